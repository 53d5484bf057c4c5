// Package certificate is what TLS needs beside the wire: certificates and the
// choice between them, the settings of servers and of clients, the keys of
// session tickets, OCSP staples, and what is known about a client that showed a
// certificate.
//
// A Certificate is loaded from what the user wrote (Spec) and never changes but
// for its staple. A Store is an immutable set of them, and answers which one a
// client gets. ServerConfig and ClientConfig turn plain settings into those of
// crypto/tls.
//
// Handshakes run on event loops, so nothing that crypto/tls calls back does I/O
// or waits: what takes time has been done before, or is done on goroutines of
// TicketKeys and Stapler. These two belong to the process, outlive a change of
// the configuration, and are closed.
package certificate
