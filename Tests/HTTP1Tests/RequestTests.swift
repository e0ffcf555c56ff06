import HTTP1
import Testing

@Suite struct `A request` {
    @Test func `is read with its parts`() {
        let text =
            "GET /a?b=c HTTP/1.1\r\nHost: reviews:80\r\nAccept:  */* \r\nConnection: x-y\r\n"
            + "X-Y: 1\r\nContent-Length: 3\r\n\r\nabc"
        let transcript = transcribe(requests: Array(text.utf8))
        #expect(
            transcript.description
                == "GET reviews:80 /a?b=c http11 length(3) Host=reviews:80 Accept=*/*"
                + " Connection=x-y* X-Y=1* Content-Length=3 body=abc | ended")
        #expect(transcribe(requests: Array(text.utf8), .single) == transcript)
    }
}
