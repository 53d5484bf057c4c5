package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// midnight is a time at the beginning of a period.
var midnight = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// keysAt makes keys that change when a test says so.
func keysAt(t *testing.T, spec TicketSpec, now time.Time) *TicketKeys {
	t.Helper()
	k, err := newTicketKeys(spec, now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// returning is a client that keeps its sessions; resumes reports whether it
// resumed one with server.
type returning struct{ config *tls.Config }

func (r returning) resumes(t *testing.T, server *tls.Config) bool {
	t.Helper()
	_, state, err := shake(t, server, r.config)
	if err != nil {
		t.Fatal(err)
	}
	return state.DidResume
}

// ticketed is a server with k and a client that keeps its sessions.
func ticketed(t *testing.T, k *TicketKeys, spec ServerSpec) (*tls.Config, returning) {
	t.Helper()
	spec.Tickets = k
	server, client := site(t, spec, "a.test", "b.test")
	client.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	return server, returning{client}
}

func TestSessionsResumeAcrossRotations(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			periods time.Duration
			want    bool
		}{{0, true}, {1, true}, {2, true}, {3, false}, {10, false}} {
			k := keysAt(t, TicketSpec{}, midnight)
			server, client := ticketed(t, k, ServerSpec{})
			client.config.MaxVersion = version
			if client.resumes(t, server) {
				t.Fatal("resumed a session that there was not")
			}
			for p := range c.periods {
				k.rotate(midnight.Add((p + 1) * defaultEvery))
			}
			if got := client.resumes(t, server); got != c.want {
				t.Errorf("%s: a ticket that is %d periods old resumes: %v", tls.VersionName(version), c.periods, got)
			}
		}
	}
}

func TestSessionsResumeWithANewConfig(t *testing.T) {
	k := keysAt(t, TicketSpec{}, midnight)
	server, client := ticketed(t, k, ServerSpec{})
	client.resumes(t, server)
	again, _, err := ServerConfig(ServerSpec{Store: storeOf(server), Tickets: k, HTTP2: true, CipherList: "HIGH"})
	if err != nil {
		t.Fatal(err)
	}
	if !client.resumes(t, again) {
		t.Error("a session did not survive a new configuration")
	}
	others, _, err := ServerConfig(ServerSpec{Store: storeOf(server), Tickets: keysAt(t, TicketSpec{}, midnight)})
	if err != nil {
		t.Fatal(err)
	}
	if client.resumes(t, others) {
		t.Error("a session was resumed with other keys")
	}
}

// storeOf makes a store of the certificate that a server has.
func storeOf(server *tls.Config) *Store {
	h := hello(modern, "a.test")
	cert, _ := server.GetCertificate(h)
	c := &Certificate{Name: "x", Default: true, Leaf: cert.Leaf}
	c.current.Store(cert)
	s, _ := NewStore([]*Certificate{c})
	return s
}

func TestSessionsDoNotResumeAtAnotherServerNameOrPolicy(t *testing.T) {
	k := keysAt(t, TicketSpec{}, midnight)
	server, client := ticketed(t, k, ServerSpec{})
	client.resumes(t, server)
	asking, _, err := ServerConfig(ServerSpec{Store: storeOf(server), Tickets: k, ClientAuth: "optional_no_ca"})
	if err != nil {
		t.Fatal(err)
	}
	if client.resumes(t, asking) {
		t.Error("a session went on at a server that asks for certificates")
	}
	server, client = ticketed(t, k, ServerSpec{})
	client.resumes(t, server)
	client.config.ClientSessionCache = renaming{client.config.ClientSessionCache}
	client.config.ServerName = "b.test"
	if client.resumes(t, server) {
		t.Error("a session went on under another name")
	}
	client.config.ServerName = "a.test"
	client.resumes(t, server)
	if !client.resumes(t, server) {
		t.Error("a session did not go on under its name")
	}
}

// An authority may get another key under its old name, because somebody else has
// the first.
func TestSessionsOfClientsEndWithTheirAuthority(t *testing.T) {
	k := keysAt(t, TicketSpec{}, midnight)
	before, after := newCA(t, "Clients", nil), newCA(t, "Clients", nil)
	server, client := ticketed(t, k, ServerSpec{ClientCA: certPEM(before)})
	own := sign(t, x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, newECDSA(t), before)
	client.config.Certificates = []tls.Certificate{{Certificate: [][]byte{own.cert.Raw}, PrivateKey: own.key}}
	client.resumes(t, server)
	if !client.resumes(t, server) {
		t.Error("a session did not go on")
	}
	other, _, err := ServerConfig(ServerSpec{Store: storeOf(server), Tickets: k, ClientCA: certPEM(after)})
	if err != nil {
		t.Fatal(err)
	}
	if atServer, _, err := shake(t, other, client.config); err == nil {
		t.Errorf("a client came in whose authority is not trusted any more; resumed: %v", atServer.DidResume)
	}
}

// renaming is a cache that confuses all names.
type renaming struct{ tls.ClientSessionCache }

func (r renaming) Get(string) (*tls.ClientSessionState, bool) {
	return r.ClientSessionCache.Get("a.test")
}
func (r renaming) Put(_ string, s *tls.ClientSessionState) { r.ClientSessionCache.Put("a.test", s) }

func TestSessionsResumeWithAProcessThatSharesTheFile(t *testing.T) {
	spec := TicketSpec{File: filepath.Join(t.TempDir(), "keys")}
	ca := newCA(t, "CA", nil)
	leaf := newLeaf(t, ca, newECDSA(t), "a.test")
	// The other process is this test binary, which serves one connection on its
	// standard input and output.
	client := &tls.Config{RootCAs: poolOf(ca), ServerName: "a.test", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	for i, want := range []bool{false, true, true} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestServeOneConnectionForAnotherProcess$")
		cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "PINGAP_TEST_TICKET_FILE="+spec.File, "PINGAP_TEST_CERT="+certPEM(leaf), "PINGAP_TEST_KEY="+keyPEM(t, leaf.key))
		if got := resumedWith(t, cmd, client); got != want {
			t.Errorf("process %d: resumed %v", i+1, got)
		}
	}
	k := keysAt(t, spec, time.Now())
	store, _ := NewStore([]*Certificate{loaded(t, Spec{Name: "x"}, leaf)})
	here, _, err := ServerConfig(ServerSpec{Store: store, Tickets: k})
	if err != nil {
		t.Fatal(err)
	}
	if !(returning{client}).resumes(t, here) {
		t.Error("this process did not take the ticket of another")
	}
}

// resumedWith makes a handshake with a process.
func resumedWith(t *testing.T, cmd *exec.Cmd, config *tls.Config) bool {
	t.Helper()
	near, far := socketPair(t)
	defer near.Close()
	cmd.ExtraFiles = []*os.File{far}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	far.Close()
	c := tls.Client(near, config)
	_, readErr := c.Read(make([]byte, 1))
	if err := cmd.Wait(); err != nil || readErr != nil {
		t.Fatalf("%v, %v: %s", err, readErr, output.String())
	}
	return c.ConnectionState().DidResume
}

// TestServeOneConnectionForAnotherProcess is the other process.
func TestServeOneConnectionForAnotherProcess(t *testing.T) {
	file := os.Getenv("PINGAP_TEST_TICKET_FILE")
	if file == "" {
		return
	}
	k, err := NewTicketKeys(TicketSpec{File: file})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	c, err := Load(Spec{Cert: os.Getenv("PINGAP_TEST_CERT"), Key: os.Getenv("PINGAP_TEST_KEY")})
	if err != nil {
		t.Fatal(err)
	}
	store, _ := NewStore([]*Certificate{c})
	config, _, err := ServerConfig(ServerSpec{Store: store, Tickets: k})
	if err != nil {
		t.Fatal(err)
	}
	conn := fileConn(t, os.NewFile(3, "client"))
	defer conn.Close()
	s := tls.Server(conn, config)
	if _, err := s.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
}

// sealed and opens tell whether two processes understand each other.
func sealed(t *testing.T, k *TicketKeys) []byte {
	t.Helper()
	server, client := ticketed(t, k, ServerSpec{})
	var ticket []byte
	wrap := server.WrapSession
	server.WrapSession = func(cs tls.ConnectionState, s *tls.SessionState) (_ []byte, err error) {
		ticket, err = wrap(cs, s)
		return ticket, err
	}
	client.resumes(t, server)
	return ticket
}

func opens(k *TicketKeys, ticket []byte) bool {
	s, err := k.sealer.Load().DecryptTicket(ticket, tls.ConnectionState{})
	return s != nil && err == nil
}

func TestProcessesThatShareAFileAgreeWhateverTheirClocks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	spec := TicketSpec{File: file, Every: time.Hour, Keep: 3}
	first := keysAt(t, spec, midnight.Add(30*time.Minute))
	second := keysAt(t, spec, midnight.Add(30*time.Minute))
	now := midnight.Add(30 * time.Minute)
	for range 10 {
		a, b := sealed(t, first), sealed(t, second)
		if !opens(first, b) || !opens(second, a) {
			t.Fatalf("at %v they do not take each other's tickets", now)
		}
		// The second is always half an hour late.
		now = now.Add(time.Hour)
		if err := first.rotate(now); err != nil {
			t.Fatal(err)
		}
		if c := sealed(t, first); !opens(second, c) {
			t.Fatalf("at %v the late one does not take the ticket of the other", now)
		}
		if err := second.rotate(now.Add(29 * time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	old := sealed(t, first)
	// One that begins later takes the tickets of before.
	later := keysAt(t, spec, now.Add(2*time.Hour))
	if !opens(later, old) {
		t.Error("a ticket is lost with a new process")
	}
	if tooLate := keysAt(t, spec, now.Add(3*time.Hour)); opens(tooLate, old) {
		t.Error("a ticket is accepted for longer than was set")
	}
}

func TestFilesDoNotHoldTheKeysOfThePast(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	spec := TicketSpec{File: file, Every: time.Hour, Keep: 2}
	k := keysAt(t, spec, midnight)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.rotate(midnight.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(before, after) {
		t.Error("the file stays as it was")
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files are there, %v", len(entries), err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestProcessesThatBeginTogetherAgreeOnOneFile(t *testing.T) {
	spec := TicketSpec{File: filepath.Join(t.TempDir(), "keys")}
	keys := make([]*TicketKeys, 16)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = newTicketKeys(spec, midnight); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k != nil && k.chain != keys[0].chain {
			t.Fatal("they have different keys")
		}
	}
}

func TestFilesOfTicketKeysAreNotTrustedBlindly(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	keysAt(t, TicketSpec{File: good}, midnight)
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spec TicketSpec
		want string
	}{
		{TicketSpec{File: file("open", string(text), 0o640)}, "mode 0640"},
		{TicketSpec{File: link}, "symbolic link"},
		{TicketSpec{File: dir}, "is not a file"},
		{TicketSpec{File: file("empty", "", 0o600)}, "is no file of session ticket keys"},
		{TicketSpec{File: file("short", string(text[:len(text)-9])+"\n", 0o600)}, "is damaged"},
		{TicketSpec{File: file("more", string(text)+"x", 0o600)}, "is damaged"},
		{TicketSpec{File: good, Every: time.Hour}, "change every 8h0m0s, those here change every 1h0m0s"},
		{TicketSpec{File: filepath.Join(dir, "none", "keys")}, "no such file or directory"},
		{TicketSpec{Every: time.Second}, "at least 1m"},
		{TicketSpec{Every: 100 * time.Hour}, "168h0m0s in all"},
	} {
		_, err := newTicketKeys(c.spec, midnight)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	if _, err := newTicketKeys(TicketSpec{File: good}, midnight.Add(-20*24*time.Hour)); err == nil || !strings.Contains(err.Error(), "clock is ahead") {
		t.Errorf("a file of the future: %v", err)
	}
}

func FuzzTicketFileIsReadBackAsWritten(f *testing.F) {
	k := &TicketKeys{spec: TicketSpec{Every: time.Hour}}
	f.Add(k.format(chain{period: 5}))
	f.Add("pingap session tickets, secret: 1 2 ff\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := k.parse(text, time.Unix(1<<60, 0))
		if err == nil && k.format(c) != text {
			t.Errorf("%q was read as %q", text, k.format(c))
		}
	})
}

func TestKeysChangeWithTimeAndWhenClocksAreSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, err := NewTicketKeys(TicketSpec{Every: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		first := k.sealer.Load()
		time.Sleep(61 * time.Minute) // sleep: in a bubble with a clock of its own
		synctest.Wait()
		if k.sealer.Load() == first {
			t.Error("the keys have not changed in an hour")
		}
	})
	k := keysAt(t, TicketSpec{Every: time.Hour}, midnight)
	old := sealed(t, k)
	k.rotate(midnight.Add(-100 * time.Hour))
	if !opens(k, old) {
		t.Error("a clock that was set back loses the keys")
	}
	k.rotate(midnight)
	if !opens(k, old) {
		t.Error("a clock that was set back and forth loses the keys")
	}
	k.rotate(midnight.Add(200 * 365 * 24 * time.Hour))
	if opens(k, old) {
		t.Error("a key of 200 years ago is in use")
	}
}

func TestAFileThatCannotBeWrittenIsReportedAndKeysChangeNevertheless(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	k := keysAt(t, TicketSpec{File: filepath.Join(dir, "keys"), Logger: slog.New(slog.NewTextHandler(&log, nil))}, midnight)
	first := k.sealer.Load()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it is tried again
		err := k.keepUp(midnight.Add(defaultEvery))
		if err == nil || !strings.Contains(err.Error(), "no such file") {
			t.Errorf("got %v", err)
		}
	}
	if k.sealer.Load() == first {
		t.Error("the keys have not changed")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := k.keepUp(midnight.Add(defaultEvery)); err != nil {
		t.Error(err)
	}
	if err := k.keepUp(midnight.Add(defaultEvery)); err != nil || fmt.Sprint(k.published) == "-1" {
		t.Error("it is still tried again", err)
	}
}
