package app

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"pingap/certificate"
	"pingap/config"
	"pingap/proxy"
	"pingap/server"
	"pingap/telemetry"
	"pingap/upstream"
)

// scrutiny is how closely a configuration is looked at before it is put to use.
type scrutiny uint8

const (
	// asText is for who writes it elsewhere, maybe for another machine.
	asText scrutiny = iota
	// toServe looks up whom it is served as and where it listens, once. All
	// else a start finds out by doing it.
	toServe
	// rehearsed finds all that a start would, and does nothing: it opens no
	// ports, and no files but to try them.
	rehearsed
)

// lookUpTimeout bounds how long the names of listening addresses may take.
const lookUpTimeout = 5 * time.Second

// lookUp finds on this machine whom the configuration is served as, and where the
// names lead that it listens on.
func (c *loaded) lookUp(ctx context.Context) (problems config.Problems) {
	c.who, problems = identify(c.Config)
	return append(problems, lookUpListeners(ctx, c.Servers)...)
}

// lookUpListeners sets the IP addresses of names that servers listen on.
func lookUpListeners(ctx context.Context, servers []*config.Server) (problems config.Problems) {
	type answer struct {
		ip  netip.Addr
		err error
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	answers := make(map[string]*answer)
	var working sync.WaitGroup
	for _, s := range servers {
		for _, a := range s.Addr {
			if a.Host == "" || a.IP.IsValid() || answers[a.Host] != nil {
				continue
			}
			found := &answer{}
			answers[a.Host] = found
			working.Go(func() {
				var ips []netip.Addr
				if ips, found.err = upstream.LookUp(ctx, a.Host, false); found.err == nil {
					found.ip = ips[0].Unmap()
				}
			})
		}
	}
	working.Wait()
	for _, s := range servers {
		for i, a := range s.Addr {
			switch found := answers[a.Host]; {
			case found == nil:
			case found.err != nil:
				problems = append(problems, s.Problem("addr", found.err.Error(), "write an IP address of this machine, or a name that is one of its own"))
			default:
				s.Addr[i].IP = found.ip
			}
		}
	}
	return problems
}

// rehearse finds what a start would fail with outside of the configuration. What
// is in use already, by the configuration before, is not tried: a process that
// has become another user could not open it again.
func (c *loaded) rehearse(ctx context.Context, before *loaded) config.Problems {
	var inUse *config.Config
	open := make(map[config.ListenAddr]bool)
	if before != nil {
		inUse = before.Config
		for _, s := range before.Servers {
			for _, a := range s.Addr {
				open[a] = true
			}
		}
	}
	problems := proxy.Rehearse(ctx, c.Config, inUse)
	for _, s := range c.Servers {
		for _, a := range s.Addr {
			if a.Host != "" && !a.IP.IsValid() || open[a] {
				continue // its name has been found to lead nowhere
			}
			if err := server.Try(listenAddr(a)); err != nil {
				problems = append(problems, s.Problem("addr", err.Error(), ""))
			}
		}
	}
	if before == nil {
		problems = append(problems, c.tryTickets()...)
	}
	return problems
}

// tryTickets reads the keys of session tickets.
func (c *loaded) tryTickets() config.Problems {
	if c.Basic.TicketKeyFile == "" {
		return nil
	}
	tickets, err := certificate.NewTicketKeys(certificate.TicketSpec{File: c.Basic.TicketKeyFile})
	if err != nil {
		return noTickets(c, err)
	}
	tickets.Close()
	return nil
}

func noTickets(c *loaded, err error) config.Problems {
	return config.Problems{c.BasicProblem("ticket_key_file", err.Error(), "")}
}

// tryLog tries what run does with --log.
func tryLog(f *flags) error {
	return f.logError(telemetry.Try(f.log))
}

// problemsIn returns the problems that an error is, if it is some.
func problemsIn(err error) config.Problems {
	problems, _ := errors.AsType[config.Problems](err)
	return problems
}
