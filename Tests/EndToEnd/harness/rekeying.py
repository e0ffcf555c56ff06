"""A TLS 1.3 client that asks for new keys again and again and reads no answer (RFC 8446 §4.6.3).

Python's own module cannot ask, so this calls the library that it is built on.
"""

import ctypes
import ctypes.util

KEY_UPDATE_REQUESTED = 1


def rekey(connection, request, count):
    """Sends `request`, then asks for new keys up to `count` times, all over `connection`.

    Returns how often it could ask before the peer ended the connection.
    """
    tls = ctypes.CDLL(ctypes.util.find_library("ssl"))
    for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
        getattr(tls, name).restype = ctypes.c_void_p
    context = ctypes.c_void_p(tls.SSL_CTX_new(ctypes.c_void_p(tls.TLS_client_method())))
    session = ctypes.c_void_p(tls.SSL_new(context))
    asked = 0
    try:
        tls.SSL_set_fd(session, connection.fileno())
        assert tls.SSL_connect(session) == 1, "no handshake"
        assert tls.SSL_write(session, request, len(request)) == len(request)
        while asked < count and tls.SSL_key_update(session, KEY_UPDATE_REQUESTED) == 1 \
                and tls.SSL_do_handshake(session) == 1:
            asked += 1
    finally:
        tls.SSL_free(session)
        tls.SSL_CTX_free(context)
    return asked
