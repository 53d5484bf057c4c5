package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// program is what to start, and how to see that it runs.
type program struct {
	name    string
	command []string
	env     []string // beside this process's own
	cores   []int
	port    int    // where it listens
	probe   string // path that it answers when it is ready
}

// process is a program that has been started, with its children.
type process struct {
	name    string
	port    int
	tlsPort int // 0 for none
	cmd     *exec.Cmd
	exited  chan struct{} // closed when it has ended
	stderr  string        // file with what it said
	toReady time.Duration // from its start to its first answer
}

// start runs a program and waits until it answers.
func (b *bed) start(g program) (*process, error) {
	p := &process{name: g.name, port: g.port, exited: make(chan struct{}), stderr: filepath.Join(b.dir, g.name+".stderr")}
	stdout, err1 := os.Create(filepath.Join(b.dir, g.name+".stdout"))
	stderr, err2 := os.Create(p.stderr)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	defer stdout.Close()
	defer stderr.Close()
	p.cmd = exec.Command(g.command[0], g.command[1:]...)
	p.cmd.Env = append(os.Environ(), g.env...)
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	started := time.Now()
	if err := startOn(p.cmd, g.cores); err != nil {
		return nil, fmt.Errorf("start %s: %w", g.name, err)
	}
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	if err := p.awaitAnswer(b.ctx, g.probe); err != nil {
		p.stop()
		return nil, fmt.Errorf("start %s: %w%s", g.name, err, p.lastWords())
	}
	p.toReady = time.Since(started)
	return p, nil
}

const readyTimeout = 10 * time.Second

// awaitAnswer returns when a request for path has been answered.
func (p *process) awaitAnswer(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, errors.New("it does not answer"))
	defer cancel()
	again := time.NewTicker(time.Millisecond / 4)
	defer again.Stop()
	for {
		if conn, err := p.dial(path); err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.exited:
			return errors.New("it ended")
		case <-again.C:
		}
	}
}

// dial opens a connection on which one request has been answered.
func (p *process) dial(path string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", address(p.port), time.Second)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path)
	if err == nil {
		_, err = conn.Read(make([]byte, 4096))
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// stopTimeout is how long a process may take to end when asked to.
const stopTimeout = 3 * time.Second

// stop ends the process and its children.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
	}
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it leads a session, so a group
	<-p.exited
}

// lastWords are the end of what the process wrote to standard error, on lines
// of their own, for an error's text.
func (p *process) lastWords() string {
	text, _ := os.ReadFile(p.stderr)
	said := strings.TrimSpace(string(text[max(0, len(text)-1000):]))
	if said == "" {
		return ""
	}
	return "; it said:\n" + said
}
