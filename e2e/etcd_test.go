package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"pingap/config/store/etcdtest"
)

// returnBound is how long after etcd answers again everything may take to be as
// it should. On a machine with nothing else to do that is less than two seconds.
const returnBound = 5 * time.Second

// follower is a proxy that follows an etcd. It is asked for something all the
// time.
type follower struct {
	*proxy
	admin  string
	via    string   // where the proxy finds etcd
	hosts  []string // where others find it
	client *http.Client
	pause  func() // ends the asking
	asked  int
	failed []error
}

// follow starts a proxy that finds its etcd at via, and others at hosts. It
// answers "zero".
func follow(t *testing.T, via string, hosts ...string) *follower {
	t.Helper()
	f := &follower{proxy: &proxy{addr: freeAddr(t), dir: t.TempDir()}, admin: freeAddr(t), via: via, hosts: hosts, client: newClient(t)}
	f.sync(t, "zero")
	f.begin(t)
	return f
}

// location returns how the configuration is named at hosts.
func location(hosts, options string) string { return "etcd://" + hosts + "/pingap?" + options }

// sync writes a whole configuration to etcd.
func (f *follower) sync(t *testing.T, answer string) {
	t.Helper()
	text := fmt.Sprintf("[servers.main]\naddr = %q\nlocations = [\"all\"]\n[locations.all]\nplugins = [\"answer\"]\n%s", f.addr, mock(answer))
	code, _, problems := command(t, nil, "-c", writeFile(t, t.TempDir(), "pingap.toml", text), "--sync", location(strings.Join(f.hosts, ","), "cache="))
	if code != 0 {
		t.Fatalf("--sync: exit code %d, %s", code, problems)
	}
}

// begin starts the proxy, and to ask it.
func (f *follower) begin(t *testing.T) {
	t.Helper()
	f.process = start(t, binary, "-c", location(f.via, "timeout=2s&cache="+f.kept()), "--autoreload", "--admin", f.admin)
	f.answers(t, f.addr)
	end, ended := make(chan struct{}), make(chan struct{})
	f.pause = sync.OnceFunc(func() {
		close(end)
		<-ended
	})
	t.Cleanup(f.pause)
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(pollEvery):
			}
			f.asked++
			if _, err := f.get(f.url("/")); err != nil {
				f.failed = append(f.failed, err)
			}
		}
	}()
}

// kept is the file with the copy of the configuration.
func (f *follower) kept() string { return filepath.Join(f.dir, "copy.json") }

// get asks for something that is to be answered with 200.
func (f *follower) get(url string) (string, error) {
	answer, err := f.client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	return string(text), err
}

// mock is the text of the section that decides what the proxy answers.
func mock(answer string) string {
	return fmt.Sprintf("[plugins.answer]\ncategory = \"mock\"\ndata = %q\n", answer)
}

// change has another than the proxy change what the proxy answers.
func (f *follower) change(t *testing.T, answer string) {
	t.Helper()
	f.inEtcd(t, func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Put(ctx, "/pingap/plugins/answer.toml", mock(answer))
		return err
	})
}

// inEtcd has a client of the test's own do something, until it succeeds: members
// that have lost their leader elect another first.
func (f *follower) inEtcd(t *testing.T, do func(context.Context, *clientv3.Client) error) {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: f.hosts, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eventually(t, "ask etcd", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return do(ctx, c)
	})
}

// soon calls do until it succeeds, and returns how long that took.
func soon(t *testing.T, what string, do func() error) time.Duration {
	t.Helper()
	began := time.Now()
	eventually(t, what, do)
	took := time.Since(began)
	if took > returnBound {
		t.Errorf("it takes %v to %s", took, what)
	}
	return took.Round(time.Millisecond)
}

// says waits for the proxy to answer as it should.
func (f *follower) says(t *testing.T, want string) time.Duration {
	t.Helper()
	return soon(t, "answer "+want, func() error {
		got, err := f.get(f.url("/"))
		if err == nil && got != want {
			err = fmt.Errorf("the answer is %s", got)
		}
		return err
	})
}

// returns checks that all is well soon after etcd has come to answer again.
func (f *follower) returns(t *testing.T) {
	t.Helper()
	began := time.Now()
	f.change(t, fmt.Sprint("change at ", began))
	soon(t, "read by the admin", func() error {
		_, err := f.get("http://" + f.admin + "/api/configs/plugins/answer")
		return err
	})
	read := time.Since(began)
	f.says(t, fmt.Sprint("change at ", began))
	followed := time.Since(began)
	soon(t, "save by the admin", func() error {
		return f.post("http://"+f.admin+"/api/configs/import", mock("saved by the admin"))
	})
	f.says(t, "saved by the admin")
	t.Logf("after the return of etcd the admin read after %v, a change by others took effect after %v, one by the admin after %v", read, followed, time.Since(began))
}

// post sends a text that is to be answered with 200.
func (f *follower) post(url, text string) error {
	answer, err := f.client.Post(url, "application/toml", strings.NewReader(text))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	return err
}

// stops ends the proxy, of which no client may have noticed anything.
func (f *follower) stops(t *testing.T) {
	t.Helper()
	f.pause()
	if len(f.failed) > 0 {
		t.Errorf("%d of %d requests failed, the first with %v", len(f.failed), f.asked, f.failed[0])
	}
	t.Logf("%d requests were answered", f.asked-len(f.failed))
	f.client.CloseIdleConnections()
	f.stop(t)
}

// tells waits until the log holds something.
func (f *follower) tells(t *testing.T, what string) {
	t.Helper()
	eventually(t, "tell of it", func() error {
		if log := f.output.String(); !strings.Contains(log, what) {
			return fmt.Errorf("%q is not in the log:\n%s", what, log)
		}
		return nil
	})
}

const (
	etcdLost = "etcd is out of reach; the configuration stays as it was "
	etcdBack = "etcd is back after "
)

func TestProxyConvergesSoonAfterEtcdIsBack(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]struct{ lose, end func(*etcdtest.Server) }{
		"killed": {(*etcdtest.Server).Kill, (*etcdtest.Server).Start},
		"frozen": {(*etcdtest.Server).Freeze, (*etcdtest.Server).Thaw},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := etcdtest.Start(t)
			f := follow(t, server.Host, server.Host)
			f.change(t, "one")
			f.says(t, "one")
			over := time.After(soak(t))
			how.lose(server)
			f.tells(t, etcdLost)
			<-over
			f.says(t, "one")
			how.end(server)
			f.returns(t)
			f.tells(t, etcdBack)
			f.stops(t)
		})
	}
}

func TestProxyStartedWithoutEtcdConvergesSoonAfterItIsBack(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	f := follow(t, server.Host, server.Host)
	f.change(t, "one")
	f.says(t, "one")
	eventually(t, "keep a copy", func() error {
		if text := readFile(t, f.kept()); !strings.Contains(text, "one") {
			return fmt.Errorf("it holds %s", text)
		}
		return nil
	})
	server.Kill()
	f.stops(t)
	over := time.After(soak(t))
	f.begin(t)
	f.says(t, "one")
	f.tells(t, "connection refused; this is the copy of 2") // a time
	<-over
	server.Start()
	f.returns(t)
	f.stops(t)
}

func TestProxyFollowsAnEtcdThatKnowsLessThanBefore(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	f := follow(t, server.Host, server.Host)
	f.change(t, "one")
	f.says(t, "one")
	server.Kill()
	restore := server.Backup()
	server.Start()
	f.change(t, "two")
	f.says(t, "two")

	server.Kill()
	restore()
	server.Start()
	t.Logf("the older configuration took effect after %v", f.says(t, "one"))
	f.returns(t)

	server.Kill()
	server.Forget()
	server.Start()
	f.tells(t, "is empty; keys such as")
	f.says(t, "saved by the admin")
	f.sync(t, "two")
	t.Logf("what is in an etcd that was emptied took effect after %v", f.says(t, "two"))
	f.stops(t)
}

func TestProxyConvergesWhenWhatItMissedIsCompacted(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	l := etcdtest.NewLink(t, server)
	f := follow(t, l.Host, server.Host)
	f.change(t, "one")
	f.says(t, "one")
	over := time.After(soak(t))
	l.Cut()
	for n := range 5 {
		f.change(t, fmt.Sprint("missed ", n))
	}
	f.inEtcd(t, func(ctx context.Context, c *clientv3.Client) error {
		answer, err := c.Put(ctx, "other", "")
		if err == nil {
			_, err = c.Compact(ctx, answer.Header.Revision, clientv3.WithCompactPhysical())
		}
		return err
	})
	f.tells(t, etcdLost)
	<-over
	l.Mend()
	t.Logf("what was missed and compacted took effect after %v", f.says(t, "missed 4"))
	f.returns(t)
	f.stops(t)
}

func TestProxyConvergesWhenMembersOfEtcdRestartInTurn(t *testing.T) {
	t.Parallel()
	members := etcdtest.StartCluster(t, 3)
	var hosts []string
	for _, m := range members {
		hosts = append(hosts, m.Host)
	}
	f := follow(t, strings.Join(hosts, ","), hosts...)
	for _, m := range members { // one of them leads
		m.Kill()
		f.change(t, "without "+m.Host)
		f.says(t, "without "+m.Host)
		m.Start()
		f.returns(t)
	}
	f.stops(t)
}

func TestLossesOfEtcdLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	losses := 10
	if soak(t) >= time.Minute {
		losses = 200
	}
	server := etcdtest.Start(t)
	l := etcdtest.NewLink(t, server)
	f := follow(t, l.Host, server.Host)
	lose := func(n int) {
		l.Cut()
		l.Mend()
		f.change(t, fmt.Sprint("after loss ", n))
		f.says(t, fmt.Sprint("after loss ", n))
	}
	for n := range losses / 2 { // after which the collector of garbage has found its pace
		lose(n)
	}
	f.client.CloseIdleConnections()
	descriptors, memory := f.descriptors(t), f.memory(t)
	for n := losses / 2; n < losses; n++ {
		lose(n)
	}
	f.settlesAt(t, descriptors+losses/4)
	t.Logf("%d losses: %d descriptors, %d after half of them; %d KiB, %d after half of them; %d threads", losses, f.descriptors(t), descriptors, f.memory(t), memory, f.status(t, "Threads:"))
	if grown := f.memory(t) - memory; grown > 32<<10 {
		t.Errorf("%d losses cost %d KiB", losses/2, grown)
	}
	f.stops(t)
}
