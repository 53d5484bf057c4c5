package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// outcome is what a client saw of one exchange.
type outcome string

const (
	correct        outcome = "correct answer"
	badGateway     outcome = "502"
	gatewayTimeout outcome = "504"
	cut            outcome = "cut connection"
)

// get asks for a file and names the outcome; an error is anything that no
// fault behind the proxy excuses.
func get(c *http.Client, url string, size int64) (outcome, error) {
	resp, err := c.Get(url)
	if errors.Is(err, syscall.ECONNRESET) {
		return cut, nil // a reset takes back what the client has not read yet
	}
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		err := wantContent(resp.Body, size)
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
			return cut, nil
		}
		return correct, err
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return "", fmt.Errorf("the page of %s: %w", resp.Status, err)
		}
		return outcome(strconv.Itoa(resp.StatusCode)), nil
	}
	return "", fmt.Errorf("unexpected %s", resp.Status)
}

func wantOutcome(t *testing.T, c *http.Client, url string, size int64, want outcome) {
	t.Helper()
	if got, err := get(c, url, size); err != nil || got != want {
		t.Errorf("GET %s: %s (%v), want %s", url, got, err, want)
	}
}

func TestAnUpstreamThatIsKilledCutsItsResponses(t *testing.T) {
	const size = 10_000_000
	n := startNginx(t, "limit_rate_after 1m; limit_rate 10k;")
	path := n.file(t, "large", content(size))
	small := n.file(t, "small", content(10))
	p := startProxyTo(t, n.addr)
	c := newClient(t)
	before := p.descriptors(t)

	var begun sync.WaitGroup
	begun.Add(clients)
	go func() {
		begun.Wait()
		n.Process.Kill()
	}()
	together(t, clients, func(int) error {
		resp, err := c.Get(p.url(path))
		if err != nil {
			begun.Done()
			return err
		}
		defer resp.Body.Close()
		begun.Done()
		err = wantContent(resp.Body, size)
		if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) {
			return fmt.Errorf("want a cut connection, got %v", err)
		}
		return nil
	})
	<-n.exited
	wantOutcome(t, c, p.url(small), 10, badGateway)
	n.run(t, "")
	wantOutcome(t, c, p.url(small), 10, correct)
	c.CloseIdleConnections()
	p.settlesAt(t, before+1)
}

func TestAnUpstreamThatIsPausedIsGivenUpInTime(t *testing.T) {
	n := startNginx(t, "")
	path := n.file(t, "small", content(10))
	p := startProxyTo(t, n.addr, `connection_timeout = "1s"`, `read_timeout = "1s"`, `write_timeout = "1s"`)
	c := newClient(t)
	answers := func() error {
		got, err := get(c, p.url(path), 10)
		if err == nil && got != correct {
			err = errors.New(string(got))
		}
		return err
	}
	eventually(t, "answer", answers) // which a busy machine may take a second for
	before := p.descriptors(t)

	n.signal(t, syscall.SIGSTOP)
	began := time.Now()
	together(t, clients, func(int) error {
		if got, err := get(c, p.url(path), 10); err != nil || got != gatewayTimeout {
			return fmt.Errorf("%s (%v), want 504", got, err)
		}
		return nil
	})
	if took := time.Since(began); took > patience/2 {
		t.Errorf("giving up took %v", took)
	}
	n.signal(t, syscall.SIGCONT)
	eventually(t, "answer again", answers)
	c.CloseIdleConnections()
	p.settlesAt(t, before+1)
}

func TestAnUpstreamThatIsPausedInItsResponsesCutsThem(t *testing.T) {
	const size = 10_000_000
	n := startNginx(t, "limit_rate_after 1m; limit_rate 10k;")
	path := n.file(t, "large", content(size))
	p := startProxyTo(t, n.addr, `read_timeout = "2s"`)
	c := newClient(t)
	before := p.descriptors(t)
	var begun sync.WaitGroup
	begun.Add(clients)
	go func() {
		begun.Wait()
		n.Process.Signal(syscall.SIGSTOP)
	}()
	together(t, clients, func(int) error {
		resp, err := c.Get(p.url(path))
		begun.Done()
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		err = wantContent(resp.Body, size)
		if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) {
			return fmt.Errorf("want a cut connection, got %v", err)
		}
		return nil
	})
	c.CloseIdleConnections()
	p.settlesAt(t, before)
	p.stop(t)
}

func TestAnUpstreamWhoseBacklogIsFullIsGivenUpInTime(t *testing.T) {
	addr := listenWithoutAccepting(t)
	p := startProxyTo(t, addr, `connection_timeout = "300ms"`)
	c := newClient(t)
	before := p.descriptors(t)
	together(t, 20, func(int) error {
		if got, err := get(c, p.url("/"), 0); err != nil || got != gatewayTimeout {
			return fmt.Errorf("%s (%v), want 504", got, err)
		}
		return nil
	})
	c.CloseIdleConnections()
	p.settlesAt(t, before)
}

// listenWithoutAccepting returns the address of a socket whose queue of
// connections is full for as long as the test runs.
func listenWithoutAccepting(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fd)
	t.Cleanup(func() { syscall.Close(fd) })
	addr := freeAddr(t)
	to, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	err = syscall.Bind(fd, &syscall.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())})
	if err := errors.Join(err, syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		conn, err := net.DialTimeout("tcp", addr, 200*time.Millisecond)
		if err != nil {
			return addr // nobody gets in any more
		}
		t.Cleanup(func() { conn.Close() })
	}
}

// idleCloser answers every request and closes one connection in four after
// the answer, without saying so in it.
func idleCloser(served *atomic.Int64) func(net.Conn) {
	return func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			served.Add(1)
			if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"+string(block[:5])); err != nil || rand.IntN(4) == 0 {
				return
			}
		}
	}
}

func TestConnectionsClosedInThePoolLoseNoRequest(t *testing.T) {
	var served atomic.Int64
	p := startProxyTo(t, listen(t, idleCloser(&served)))
	c := newClient(t)
	before := p.descriptors(t)
	seen := outcomes(t, p, 200, func() (outcome, error) { return get(c, p.url("/"), 5) })
	if len(seen) != 1 || seen[correct] == 0 {
		t.Errorf("outcomes: %v, want correct answers alone: a GET can be repeated", seen)
	}
	t.Logf("%d requests", served.Load())
	c.CloseIdleConnections()
	p.settlesAt(t, before+200)
	p.stop(t)
}

// capricious treats each request in a way of its own: an answer, half a one,
// none, a reset, or an end at any byte.
func capricious(size int64) func(net.Conn) {
	answer := append([]byte("HTTP/1.1 200 OK\r\nContent-Length: "+strconv.FormatInt(size, 10)+"\r\n\r\n"), content(size)...)
	return func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			send := answer
			switch rand.IntN(8) {
			case 0:
				send = answer[:rand.IntN(len(answer))]
			case 1:
				send = nil
			case 2:
				conn.(*net.TCPConn).SetLinger(0)
				send = answer[:rand.IntN(200)]
			case 3:
				conn.(*net.TCPConn).SetLinger(0)
				send = answer[:rand.IntN(len(answer))]
			}
			if _, err := conn.Write(send); err != nil || len(send) < len(answer) {
				return
			}
		}
	}
}

func TestAnUpstreamThatFailsAnyhowNeverMakesAnAnswerWrong(t *testing.T) {
	// Large answers do not pass through the memory of the proxy.
	for _, q := range []struct {
		name    string
		size    int64
		clients int
	}{
		{"small answers", 100_000, 200},
		{"large answers", 3_000_000, 20},
	} {
		t.Run(q.name, func(t *testing.T) {
			p := startProxyTo(t, listen(t, capricious(q.size)))
			c := newClient(t)
			before := p.descriptors(t)
			ask := func() (outcome, error) { return get(c, p.url("/"), q.size) }
			seen := outcomes(t, p, q.clients, ask)
			// Which of them come is chance, and on a busy machine few have come.
			eventually(t, "meet each outcome", func() error {
				if seen[correct] > 0 && seen[badGateway] > 0 && seen[cut] > 0 {
					return nil
				}
				got, err := ask()
				if err != nil {
					t.Fatal(err)
				}
				seen[got]++
				return fmt.Errorf("outcomes: %v", seen)
			})
			t.Logf("outcomes: %v, at most %d MiB of memory", seen, p.peakMemory(t)>>10)
			if seen[gatewayTimeout] > 0 {
				t.Errorf("outcomes: %v, want none of 504", seen)
			}
			c.CloseIdleConnections()
			p.settlesAt(t, before+q.clients)
			p.stop(t)
		})
	}
}

// outcomes lets clients ask again and again, and counts what they see. What the
// faults have left behind in the proxy by half-time must not grow any more.
func outcomes(t *testing.T, p *proxy, clients int, ask func() (outcome, error)) map[outcome]int {
	t.Helper()
	var mu sync.Mutex
	seen := map[outcome]int{}
	askAgain := func(until time.Time) {
		together(t, clients, func(int) error {
			for time.Now().Before(until) {
				got, err := ask()
				if err != nil {
					return err
				}
				mu.Lock()
				seen[got]++
				mu.Unlock()
			}
			return nil
		})
	}
	askAgain(time.Now().Add(soak(t) / 2))
	half := p.memory(t)
	askAgain(time.Now().Add(soak(t) / 2))
	end := p.memory(t)
	t.Logf("%d MiB of memory at half-time, %d MiB at the end", half>>10, end>>10)
	if end > half+half/2+16<<10 {
		t.Errorf("%d KiB of memory at half-time have become %d", half, end)
	}
	return seen
}

func TestAClientThatLeavesEndsItsExchange(t *testing.T) {
	reached, gone := make(chan struct{}), make(chan struct{})
	p := startProxyTo(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
	}))
	before := p.descriptors(t)
	var conns []net.Conn
	for range clients {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	receive(t, reached, clients, "requests reached the upstream")
	for _, conn := range conns {
		conn.Close()
	}
	receive(t, gone, clients, "requests were taken back from the upstream")
	p.settlesAt(t, before)
}

// receive takes n signals from c in good time.
func receive(t *testing.T, c <-chan struct{}, n int, what string) {
	t.Helper()
	limit := time.After(patience)
	for i := range n {
		select {
		case <-c:
		case <-limit:
			t.Fatalf("%d of %d %s", i, n, what)
		}
	}
}

func TestWrkSeesNoError(t *testing.T) {
	n := startNginx(t, "")
	path := n.file(t, "small", content(100))
	p := startProxyTo(t, n.addr)
	w := start(t, "wrk", "-t1", "-c100", fmt.Sprintf("-d%ds", int(soak(t).Seconds())),
		"--timeout", fmt.Sprint(int(patience.Seconds())), p.url(path)) // two seconds if it is not told
	select {
	case <-w.exited:
	case <-time.After(soak(t) + patience):
		t.Fatal("wrk did not end")
	}
	text := w.output.String()
	if w.exitErr != nil || !strings.Contains(text, "requests in") || strings.Contains(text, "Non-2xx") || strings.Contains(text, "Socket errors") {
		t.Errorf("wrk: %v\n%s", w.exitErr, text)
	}
}
