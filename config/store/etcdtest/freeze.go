//go:build unix

package etcdtest

import "syscall"

// Freeze stops the server without its end: connections stay, and are made, but
// nobody answers.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(number syscall.Signal) {
	s.t.Helper()
	if err := s.command.Process.Signal(number); err != nil {
		s.t.Fatal(err)
	}
}
