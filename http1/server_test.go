package http1

import (
	"testing"
)

func TestServerAnswersOneRequestAfterAnother(t *testing.T) {
	c := serve(t, &Server{}).dial()
	for range 3 {
		c.send("GET /a HTTP/1.1\nHost: a\n\n").want("HTTP/1.1 200 OK\nDate: now\nContent-Length: 6\n\nGET /a")
	}
}

func TestServerAnswersPipelinedRequestsInOrder(t *testing.T) {
	c := serve(t, &Server{}).dial()
	c.send("GET /a HTTP/1.1\nHost: a\n\nPOST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabcGET /b HTTP/1.1\nHost: a\n\n")
	c.want("HTTP/1.1 200 OK\nDate: now\nContent-Length: 6\n\nGET /a" +
		"HTTP/1.1 200 OK\nDate: now\nContent-Length: 3\n\nabc" +
		"HTTP/1.1 200 OK\nDate: now\nContent-Length: 6\n\nGET /b")
}
