"""grpcio on either side of our gRPC client and server; TransportTests starts it.

    grpc_peer.py client PORT   plays a client against our server; exit code 0 when all is well
    grpc_peer.py server        plays the server, prints its port, ends with its standard input

With one more argument, a folder that holds root.pem, own.pem and own.key, TLS is spoken.
"""

import pathlib
import sys
import threading
from concurrent import futures

import grpc

SIZES = [0, 1, 5, 1000, 70_000, 3_000_000]
OPTIONS = [
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
]


def plain(value):
    return value


def method(channel, name):
    return channel.stream_stream("/test.Test/" + name, plain, plain)


def expect(condition, *what):
    if not condition:
        raise AssertionError(what)


def check_echo(channel):
    messages = [bytes([size % 251]) * size for size in SIZES]
    answers = list(method(channel, "Echo")(iter(messages), timeout=20))
    expect(answers == messages, [len(answer) for answer in answers])


def check_status(channel, name, code, details):
    call = method(channel, name)(iter([b"x"]), timeout=20)
    try:
        list(call)
    except grpc.RpcError:
        pass
    expect((call.code(), call.details()) == (code, details), call.code(), call.details())


def check_cancel(channel):
    done = threading.Event()

    def messages():
        yield b"x"
        done.wait(20)

    call = method(channel, "Echo")(messages(), timeout=20)
    expect(next(call) == b"x")
    call.cancel()
    done.set()
    expect(call.code() == grpc.StatusCode.CANCELLED, call.code())


def material(folder):
    return [pathlib.Path(folder, name).read_bytes() for name in ("root.pem", "own.key", "own.pem")]


def open_channel(port, folder, **more):
    if not folder:
        return grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS, **more)
    credentials = grpc.ssl_channel_credentials(*material(folder))
    return grpc.secure_channel(f"localhost:{port}", credentials, options=OPTIONS, **more)


def check_compression(port, folder):
    with open_channel(port, folder, compression=grpc.Compression.Gzip) as channel:
        call = method(channel, "Echo")(iter([b"x" * 10_000]), timeout=20)
        try:
            list(call)
        except grpc.RpcError:
            pass
        expect(call.code() == grpc.StatusCode.UNIMPLEMENTED, call.code())


def check_many(channel):
    calls = [method(channel, "Echo")(iter([b"%d" % n] * 3), timeout=20) for n in range(200)]
    for n, call in enumerate(calls):
        expect(list(call) == [b"%d" % n] * 3)


def play_client(port, folder=None):
    with open_channel(port, folder) as channel:
        check_echo(channel)
        check_status(channel, "Fail", grpc.StatusCode.PERMISSION_DENIED, "nö: 100%")
        check_status(
            channel, "Unknown", grpc.StatusCode.UNIMPLEMENTED, "unknown method /test.Test/Unknown"
        )
        check_status(channel, "Late", grpc.StatusCode.ABORTED, "after a message")
        check_cancel(channel)
        check_many(channel)
    check_compression(port, folder)


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        def echo(messages, context):
            yield from messages

        def fail(messages, context):
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "nö: 100%")
            yield b""

        methods = {"/test.Test/Echo": echo, "/test.Test/Fail": fail}
        method = methods.get(details.method)
        return method and grpc.stream_stream_rpc_method_handler(method, plain, plain)


def play_server(folder=None):
    server = grpc.server(
        futures.ThreadPoolExecutor(4), handlers=[Handler()], options=OPTIONS
    )
    if folder:
        root, key, chain = material(folder)
        credentials = grpc.ssl_server_credentials([(key, chain)], root, require_client_auth=True)
        port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(0).wait()


if __name__ == "__main__":
    if sys.argv[1] == "client":
        play_client(int(sys.argv[2]), *sys.argv[3:])
    else:
        play_server(*sys.argv[2:])
