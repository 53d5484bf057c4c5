package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"strings"
	"time"

	"pingap/certificate"
	"pingap/loop"
	"pingap/loop/secure"
	"pingap/message"
)

const (
	// handshakeTime is how long a TLS handshake may take.
	handshakeTime = 15 * time.Second
	// mostHandshakes is how many a loop has under way at an entrance: more
	// than come in while it makes them means that it is being flooded.
	mostHandshakes = 1024
)

// handshake is a connection on its way through its TLS handshake, in a coroutine
// of its own.
type handshake struct {
	door *door
	conn *loop.Conn
	tls  *tls.Config
	done bool
}

// shakeHands begins the handshake that site wants.
func (d *door) shakeHands(conn *loop.Conn, site *Site) {
	if d.shakes >= mostHandshakes {
		conn.Abort()
		return
	}
	d.shakes++
	d.wires.entering.Add(1)
	conn.Loop().Start(&handshake{door: d, conn: conn, tls: site.TLS})
}

// Run implements loop.Task.
func (h *handshake) Run() {
	defer h.leave()
	l := h.conn.Loop()
	began := l.Clock()
	secured, err := secure.Server(h.conn, h.tls, handshakeTime)
	if err != nil {
		h.door.wires.entrance.handshakeFailed(h.conn, certificate.Explain(err, secured.State()))
		h.answerClearText(err)
		return
	}
	h.done = true
	state := secured.State()
	facts := factsOf(&state, h.tls, l.Clock()-began)
	if state.NegotiatedProtocol == "h2" {
		h.door.http2(h.conn, facts)
	} else {
		h.door.http1(h.conn, facts)
	}
}

// clearText answers a person who has written http:// instead of https://.
const clearText = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 44\r\nConnection: close\r\n\r\n" +
	"this port speaks HTTPS: begin with https://\n"

// answerClearText tells a client that the handshake has failed with because it
// speaks HTTP in clear text.
func (h *handshake) answerClearText(err error) {
	if header, ok := errors.AsType[tls.RecordHeaderError](err); ok && methodsBegin(header.RecordHeader) {
		h.conn.SetOutput(append(h.conn.Output(len(clearText)), clearText...))
	}
}

// methodsBegin reports whether a request of HTTP can begin so.
func methodsBegin(start [5]byte) bool {
	word, _, _ := bytes.Cut(start[:], []byte(" "))
	return !bytes.ContainsFunc(word, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// leave counts the handshake as over, and closes what has not passed the door.
func (h *handshake) leave() {
	h.door.shakes--
	h.door.wires.entering.Add(-1)
	if !h.done {
		h.conn.Close()
	}
}

// factsOf returns what exchanges are to know of their connection.
func factsOf(state *tls.ConnectionState, config *tls.Config, took int64) *message.TLS {
	client := certificate.Identify(state, config)
	return &message.TLS{
		Version:       strings.Replace(tls.VersionName(state.Version), " ", "v", 1),
		Cipher:        tls.CipherSuiteName(state.CipherSuite),
		Protocol:      state.NegotiatedProtocol,
		ServerName:    state.ServerName,
		Resumed:       state.DidResume,
		HandshakeTime: took,
		Client: message.ClientCertificate{
			Verify: client.Verify, Subject: client.Subject, Issuer: client.Issuer,
			Serial: client.Serial, Fingerprint: client.Fingerprint,
		},
	}
}
