package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of the admin's own connections. Those who use it are few, and some of
// them are not welcome.
const (
	headTimeout  = 10 * time.Second
	readTimeout  = time.Minute
	writeTimeout = workTimeout + 10*time.Second
	idleTimeout  = 2 * time.Minute
	maxHead      = 16 << 10 // bytes
)

// Server is an admin's own listener. Its methods are called one at a time.
type Server struct {
	address  Address
	logger   *slog.Logger
	http     *http.Server
	listener net.Listener // nil when it does not listen
	serving  sync.WaitGroup
}

// NewServer makes a server for an entry that is made of the address.
func NewServer(a Address, e *Entry) *Server {
	return &Server{address: a, logger: e.logger, http: &http.Server{
		Handler:           e,
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          slog.NewLogLogger(e.logger.Handler(), slog.LevelDebug),
	}}
}

// Listen begins to serve, if it does not yet. Requests are answered by goroutines
// of their own until Close.
func (s *Server) Listen() error {
	if s.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", s.address.HostPort)
	if err != nil {
		return fmt.Errorf("the admin at %s: %w", s.address.HostPort, err)
	}
	s.listener = listener
	s.logger.Info("the admin listens on http://" + listener.Addr().String() + s.address.Prefix + "/")
	if warning := s.address.warning(); warning != "" {
		s.logger.Warn(warning)
	}
	s.serving.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.logger.Error("the admin has ended", "error", err)
		}
	})
	return nil
}

// Leave gives the address up, for somebody else to listen there. Connections stay.
func (s *Server) Leave() {
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
}

// Close stops listening, lets requests end for as long as ctx lasts, and returns
// when all are gone.
func (s *Server) Close(ctx context.Context) {
	if err := s.http.Shutdown(ctx); err != nil {
		s.http.Close()
	}
	s.serving.Wait()
}
