package store

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"pingap/addresstest"
	"pingap/config/store/etcdtest"
)

// inEtcd returns a URL of a prefix that a test has for itself.
func inEtcd(t *testing.T, server *etcdtest.Server, options string) string {
	return fmt.Sprintf("etcd://%s/%s?%s", server.Host, t.Name(), options)
}

// ask lets a client of the test do something.
func ask(t *testing.T, server *etcdtest.Server, f func(context.Context, *clientv3.Client) error) {
	t.Helper()
	e := open(t, inEtcd(t, server, "")).medium.(*etcd)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := e.connect()
	must(t, err)
	must(t, f(ctx, client))
}

func TestEtcdKeepsItemsUnderPingapsKeys(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	s := open(t, inEtcd(t, server, "enable_history=true"))
	if _, err := s.Read(t.Context()); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty etcd: %v", err)
	}
	must(t, s.Save(t.Context(), "alice", Edit{"basic", "", "[basic]\nname = \"x\"\n", ""}, upstream("a", "1.1.1.1"), upstream("b", "1.1.1.1")))
	must(t, s.Save(t.Context(), "bob", Edit{"upstreams", "b", "", RevisionOf(upstream("b", "1.1.1.1").Text)}))
	ask(t, server, func(ctx context.Context, c *clientv3.Client) error {
		answer, err := c.Get(ctx, "/"+t.Name()+"/", clientv3.WithPrefix())
		var keys []string
		for _, kv := range answer.Kvs {
			keys = append(keys, strings.TrimPrefix(string(kv.Key), "/"+t.Name()))
		}
		if got := strings.Join(keys, " "); got != "/basic.toml /upstreams/a.toml" {
			t.Errorf("keys are %s", got)
		}
		return err
	})
	c, problems, err := s.Load()
	if err != nil || len(problems) > 0 || c.Basic.Name != "x" || c.Upstream("a") == nil {
		t.Error(problems, err)
	}
	if at := c.Upstream("a").Source.File; at != "etcd:/"+t.Name()+"/upstreams/a.toml" {
		t.Errorf("the upstream is said to stand in %s", at)
	}
	versions, err := s.History(t.Context(), "upstreams", "b")
	if err != nil || len(versions) != 2 || versions[0].Author != "bob" || versions[0].Text != "" || versions[1].Author != "alice" {
		t.Errorf("%+v, %v", versions, err)
	}
}

func TestWritersInEtcdDoNotOverwriteEachOther(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	one, two := open(t, inEtcd(t, server, "")), open(t, inEtcd(t, server, ""))
	create := upstream("a", "1.1.1.1")
	create.Base = ""
	must(t, one.Save(t.Context(), "", create))
	var conflict *Conflict
	if err := two.Save(t.Context(), "", create); !errors.As(err, &conflict) {
		t.Errorf("created twice: %v", err)
	}
	before, err := one.Read(t.Context())
	must(t, err)
	after, err := before.With(upstream("a", "2.2.2.2"))
	must(t, err)
	must(t, two.Save(t.Context(), "", upstream("a", "3.3.3.3")))
	if err := one.medium.commit(t.Context(), &save{changes: after.changes(before)}); !errors.Is(err, errMoved) {
		t.Errorf("what another has saved in the meantime is overwritten: %v", err)
	}
}

func TestManyItemsAreSavedInEtcdAtOneMoment(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	s := open(t, inEtcd(t, server, "enable_history"))
	for _, count := range []int{100, 2000} {
		var edits []Edit
		for i := range count {
			edits = append(edits, upstream(fmt.Sprintf("u%03d", i), fmt.Sprintf("1.1.1.1:%d", count)))
		}
		must(t, s.Save(t.Context(), "", edits...))
		moments := map[int64]int{}
		texts, err := s.medium.read(t.Context())
		must(t, err)
		for _, text := range texts {
			moments[text.revision]++
		}
		if len(moments) != 1 || len(texts) != count {
			t.Errorf("%d items were saved at the revisions %v", count, moments)
		}
	}
	if c, _, err := s.Load(); err != nil || len(c.Upstreams) != 2000 {
		t.Errorf("%d upstreams, %v", len(c.Upstreams), err)
	}
}

func TestManyItemsInEtcdDoNotOverwriteThoseOfOthers(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	s, other := open(t, inEtcd(t, server, "")), open(t, inEtcd(t, server, ""))
	edits := func(addr string) (edits []Edit) {
		for i := range 2 * maxConditions {
			edits = append(edits, upstream(fmt.Sprintf("u%03d", i), addr))
		}
		return edits
	}
	must(t, s.Save(t.Context(), "", edits("1.1.1.1")...))
	before, err := s.Read(t.Context())
	must(t, err)
	after, err := before.With(edits("2.2.2.2")...)
	must(t, err)
	plan := &save{changes: after.changes(before)}
	conditions, err := s.medium.(*etcd).conditions(t.Context(), plan)
	must(t, err)
	must(t, other.Save(t.Context(), "", upstream("u001", "3.3.3.3")))
	if err := s.medium.(*etcd).transact(t.Context(), conditions, s.medium.(*etcd).steps(plan)); !errors.Is(err, errMoved) {
		t.Errorf("what another has saved at the last moment is overwritten: %v", err)
	}
	if err := s.medium.commit(t.Context(), plan); !errors.Is(err, errMoved) {
		t.Errorf("what another has saved in the meantime is overwritten: %v", err)
	}
	if snapshot, err := s.Read(t.Context()); !has("u001", "3.3.3.3")(snapshot, err) || !has("u002", "1.1.1.1")(snapshot, err) {
		t.Errorf("%v", err)
	}
}

func TestSaveThatIsTooLargeForATransactionOfEtcdIsDivided(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	s := open(t, inEtcd(t, server, ""))
	var edits []Edit
	for i := range 6 {
		edit := upstream(fmt.Sprintf("u%d", i), "1.1.1.1")
		edit.Text = "# " + strings.Repeat("x", maxBytes/3) + "\n" + edit.Text
		edits = append(edits, edit)
	}
	must(t, s.Save(t.Context(), "", edits...))
	if c, _, err := s.Load(); err != nil || len(c.Upstreams) != 6 {
		t.Errorf("%d upstreams, %v", len(c.Upstreams), err)
	}
}

// asOperator opens the store that an operator uses beside a proxy.
func asOperator(t *testing.T, server *etcdtest.Server) *Store { return open(t, inEtcd(t, server, "")) }

func TestChangesInEtcdAreToldThroughRestartCompactionAndLoss(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	operator := asOperator(t, server)
	must(t, operator.Save(t.Context(), "", upstream("a", "1.1.1.1")))
	s := open(t, inEtcd(t, server, "timeout=500ms&connect_timeout=500ms"))
	s.medium.(*etcd).probe = 300 * time.Millisecond
	w := watch(t, s)

	must(t, operator.Save(t.Context(), "", upstream("a", "2.2.2.2")))
	w.expect(t, has("a", "2.2.2.2"))

	server.Kill()
	w.hears(t, "etcd is out of reach; the configuration stays as it was ", ", until it is back: ", "connection refused")
	select {
	case <-w.signals:
		t.Error("the loss of etcd is told as a change")
	default:
	}
	server.Start()
	w.hears(t, "etcd is back after ")
	must(t, operator.Save(t.Context(), "", upstream("a", "3.3.3.3")))
	w.expect(t, has("a", "3.3.3.3"))

	// What the watch has not seen is compacted away while it is interrupted.
	server.Kill()
	w.hears(t, "etcd is out of reach", "connection refused")
	server.Start()
	must(t, operator.Save(t.Context(), "", upstream("a", "4.4.4.4")))
	ask(t, server, func(ctx context.Context, c *clientv3.Client) error {
		answer, err := c.Put(ctx, "other", "")
		if err != nil {
			return err
		}
		_, err = c.Compact(ctx, answer.Header.Revision)
		return err
	})
	w.expect(t, has("a", "4.4.4.4"))
	must(t, operator.Save(t.Context(), "", upstream("a", "5.5.5.5")))
	w.expect(t, has("a", "5.5.5.5"))
}

func TestChangesInEtcdAreToldThroughAChangeOfLeader(t *testing.T) {
	t.Parallel()
	members := etcdtest.StartCluster(t, 3)
	var hosts []string
	for _, m := range members {
		hosts = append(hosts, m.Host)
	}
	url := "etcd://" + strings.Join(hosts, ",") + "/pingap?timeout=2s&connect_timeout=1s"
	operator := open(t, url)
	must(t, operator.Save(t.Context(), "", upstream("a", "1.1.1.1")))
	s := open(t, url)
	s.medium.(*etcd).probe = 300 * time.Millisecond
	w := watch(t, s)
	leaderOf(t, members).Kill()
	for until := time.Now().Add(patience); ; {
		err := operator.Save(t.Context(), "", upstream("a", "2.2.2.2"))
		if err == nil {
			break
		}
		if !errors.Is(err, ErrUnreachable) || time.Now().After(until) {
			t.Fatal(err)
		}
	}
	w.expect(t, has("a", "2.2.2.2"))
}

// leaderOf returns the member of a cluster that leads it.
func leaderOf(t *testing.T, members []*etcdtest.Server) *etcdtest.Server {
	t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); {
		for _, m := range members {
			leads := false
			ask(t, m, func(ctx context.Context, c *clientv3.Client) error {
				status, err := c.Status(ctx, "http://"+m.Host)
				leads = err == nil && status.Leader == status.Header.MemberId
				return err
			})
			if leads {
				return m
			}
		}
	}
	t.Fatal("nobody leads")
	return nil
}

func TestWatchBeginsAnewWhenItsRevisionIsCompacted(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	operator := asOperator(t, server)
	for n := range 5 {
		must(t, operator.Save(t.Context(), "", upstream("a", fmt.Sprintf("1.1.1.%d", n))))
	}
	ask(t, server, func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Compact(ctx, 5)
		return err
	})
	w := &etcdWatch{etcd: operator.medium.(*etcd), changed: func() {}, report: func(m string, err error) { t.Error(m, err) }, revision: 1}
	if err := w.listen(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestWatchBeginsAnewWhenEtcdKnowsLessThanBefore(t *testing.T) {
	t.Parallel()
	operator := asOperator(t, etcdtest.Start(t))
	must(t, operator.Save(t.Context(), "", upstream("a", "1.1.1.1")))
	w := &etcdWatch{etcd: operator.medium.(*etcd), changed: func() {}, report: func(m string, err error) { t.Error(m, err) }, revision: 1 << 40}
	w.probe = time.Millisecond
	if err := w.listen(t.Context(), nil); err != nil || w.revision > 100 {
		t.Errorf("the watch goes on from revision %d, %v", w.revision, err)
	}
}

// What a watch has told may be followed by a read that etcd does not answer any
// more. That nothing has changed since then must not hide the change.
func TestChangeIsToldAgainToWhomEtcdDidNotAnswer(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	must(t, asOperator(t, server).Save(t.Context(), "", upstream("a", "1.1.1.1")))
	s := open(t, inEtcd(t, server, "timeout=500ms&connect_timeout=500ms"))
	w := watch(t, s)
	must(t, asOperator(t, server).Save(t.Context(), "", upstream("a", "2.2.2.2")))
	<-w.signals
	server.Kill()
	if _, err := s.Read(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("reading what is out of reach: %v", err)
	}
	server.Start()
	w.expect(t, has("a", "2.2.2.2"))
}

func TestLossesOfEtcdLeaveNoGoroutinesBehind(t *testing.T) { // not parallel: all goroutines are counted
	server := etcdtest.Start(t)
	operator := asOperator(t, server)
	must(t, operator.Save(t.Context(), "", upstream("a", "0.0.0.0")))
	link := etcdtest.NewLink(t, server)
	w := watch(t, open(t, "etcd://"+link.Host+"/"+t.Name()))
	lose := func(n int) {
		link.Cut()
		addr := fmt.Sprintf("1.1.1.%d", n)
		must(t, operator.Save(t.Context(), "", upstream("a", addr)))
		link.Mend()
		w.expect(t, has("a", addr))
	}
	lose(0)
	before := runtime.NumGoroutine()
	const losses = 20
	for n := range losses {
		lose(1 + n)
	}
	for until := time.Now().Add(patience); runtime.NumGoroutine() > before+losses/2; {
		time.Sleep(time.Millisecond) // sleep: nobody tells of the end of a goroutine
		if time.Now().After(until) {
			t.Fatalf("%d goroutines run, %d before", runtime.NumGoroutine(), before)
		}
	}
	t.Logf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestProxyStartsWithoutEtcdFromTheCopy(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	copyPath := filepath.Join(t.TempDir(), "state", "copy.json")
	url := inEtcd(t, server, "timeout=500ms&connect_timeout=500ms&cache="+copyPath)
	before := open(t, url)
	must(t, before.Save(t.Context(), "", upstream("a", "1.1.1.1")))
	snapshot, err := before.Read(t.Context())
	must(t, err)
	must(t, before.Keep(t.Context(), snapshot))
	if info, err := os.Stat(copyPath); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is %v, %v", info, err)
	}
	server.Kill()

	s := open(t, url)
	s.medium.(*etcd).probe = 300 * time.Millisecond
	snapshot, err = s.Read(t.Context())
	if !has("a", "1.1.1.1")(snapshot, err) {
		t.Fatalf("%+v, %v", snapshot, err)
	}
	if !strings.Contains(snapshot.Notice, "connection refused") || !strings.Contains(snapshot.Notice, "; this is the copy of 2") || !strings.HasSuffix(snapshot.Notice, " in "+copyPath) {
		t.Errorf("the notice is %q", snapshot.Notice)
	}
	if err := s.Save(t.Context(), "", upstream("a", "2.2.2.2")); err == nil {
		t.Error("something is saved without etcd")
	}
	w := watch(t, s)
	w.hears(t, "connection refused")
	server.Start()
	must(t, asOperator(t, server).Save(t.Context(), "", upstream("a", "3.3.3.3")))
	w.expect(t, has("a", "3.3.3.3"))
	if got := w.hears(t, "etcd is back"); got != "etcd is back" {
		t.Errorf("told %q of an etcd that has not been there before", got)
	}
	server.Kill()
	if _, err := s.Read(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("an old copy takes the place of what has been read since: %v", err)
	}
}

func TestCopyHasAPlaceOfItsOwn(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/home/one/.cache")
	one, other := open(t, "etcd://a/x").cache, open(t, "etcd://a/y").cache
	if dir := filepath.Dir(one); one == other || dir != "/home/one/.cache/pingap" {
		t.Errorf("the copies of two stores are %s and %s", one, other)
	}
	t.Setenv("STATE_DIRECTORY", "/var/lib/pingap:/var/lib/other")
	if got := open(t, "etcd://a/x").cache; filepath.Dir(got) != "/var/lib/pingap" {
		t.Errorf("under systemd the copy is %s", got)
	}
	if got := open(t, "etcd://a/x?cache=").cache; got != "" {
		t.Errorf("the copy is %s where none is wanted", got)
	}
	t.Setenv("STATE_DIRECTORY", "")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if got := open(t, "etcd://a/x").cache; got != "" {
		t.Errorf("the copy of nobody is %s", got)
	}
}

func TestWithoutEtcdAndWithoutACopyTheReasonIsSaid(t *testing.T) {
	t.Parallel()
	host := addresstest.Free(t)
	for options, want := range map[string]string{
		"&cache=":                         "read the configuration from etcd at " + host + ": dial tcp " + host + ": connect: connection refused",
		"&cache=" + t.TempDir() + "/none": "and there is no copy of it",
	} {
		_, err := open(t, "etcd://"+host+"/pingap?timeout=300ms"+options).Read(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestEtcdAsksForUserAndPassword(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	ask(t, server, func(ctx context.Context, c *clientv3.Client) error {
		_, err1 := c.UserAdd(ctx, "root", "s3cret&")
		_, err2 := c.RoleAdd(ctx, "root")
		_, err3 := c.UserGrantRole(ctx, "root", "root")
		_, err4 := c.AuthEnable(ctx)
		return errors.Join(err1, err2, err3, err4)
	})
	s := open(t, inEtcd(t, server, "user=root&password=s3cret%26"))
	must(t, s.Save(t.Context(), "", upstream("a", "1.1.1.1")))
	w := watch(t, s)
	must(t, open(t, inEtcd(t, server, "user=root&password=s3cret%26")).Save(t.Context(), "", upstream("a", "2.2.2.2")))
	w.expect(t, has("a", "2.2.2.2"))
	server.Kill() // which forgets whom it has let in
	server.Start()
	must(t, s.Save(t.Context(), "", upstream("a", "3.3.3.3")))
	w.expect(t, has("a", "3.3.3.3"))
	must(t, open(t, inEtcd(t, server, "user=root&password=s3cret%26")).Save(t.Context(), "", upstream("a", "4.4.4.4")))
	w.expect(t, has("a", "4.4.4.4"))
	if strings.Contains(s.String(), "s3cret") {
		t.Errorf("the password is in %s", s)
	}
	for options, want := range map[string]string{"": "user name is empty", "user=root&password=wrong": "authentication failed"} {
		if _, err := open(t, inEtcd(t, server, options)).Read(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", options, err)
		}
	}
}

func TestUserOfEtcdNeedsNoMoreThanThePrefix(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	ask(t, server, func(ctx context.Context, c *clientv3.Client) error {
		var failed error
		may := clientv3.PermissionType(clientv3.PermReadWrite)
		for _, prefix := range []string{"/" + t.Name() + "/", "/" + t.Name() + "-history/"} {
			_, err1 := c.RoleAdd(ctx, prefix)
			_, err2 := c.RoleGrantPermission(ctx, prefix, prefix, clientv3.GetPrefixRangeEnd(prefix), may)
			failed = errors.Join(failed, err1, err2)
		}
		_, err1 := c.UserAdd(ctx, "root", "root")
		_, err2 := c.RoleAdd(ctx, "root")
		_, err3 := c.UserGrantRole(ctx, "root", "root")
		_, err4 := c.UserAdd(ctx, "proxy", "secret")
		_, err5 := c.UserGrantRole(ctx, "proxy", "/"+t.Name()+"/")
		_, err6 := c.UserGrantRole(ctx, "proxy", "/"+t.Name()+"-history/")
		_, err7 := c.AuthEnable(ctx)
		return errors.Join(failed, err1, err2, err3, err4, err5, err6, err7)
	})
	s := open(t, inEtcd(t, server, "user=proxy&password=secret&enable_history"))
	var edits []Edit
	for i := range 2 * maxConditions {
		edits = append(edits, upstream(fmt.Sprintf("u%03d", i), "1.1.1.1"))
	}
	must(t, s.Save(t.Context(), "", edits...))
	w := watch(t, s)
	must(t, open(t, inEtcd(t, server, "user=proxy&password=secret")).Save(t.Context(), "", upstream("u001", "2.2.2.2")))
	w.expect(t, has("u001", "2.2.2.2"))
	if versions, err := s.History(t.Context(), "upstreams", "u002"); err != nil || len(versions) != 1 {
		t.Errorf("%+v, %v", versions, err)
	}
}

func TestWrongEtcdURLsAreExplained(t *testing.T) {
	for url, want := range map[string]string{
		"etcd:///pingap":                     "no host is named; write etcd://host:2379/prefix",
		"etcd://h/pingap?user=a":             "user and password are given both or not at all",
		"etcd://h/pingap?passwort=a":         `there is no option "passwort"; did you mean "password"?`,
		"etcd://a:b@h/pingap":                "a user stands before the @; write ?user=...&password=... at the end instead",
		"etcd://h/pingap?timeout=soon":       "the option timeout: ",
		"etcd://h/pingap?timeout=0s":         "the option timeout is 0s; it must be more than nothing, such as 10s",
		"etcd://h/pingap?ca=/nowhere":        "the option ca: open /nowhere: no such file or directory",
		"etcd://h/pingap?cert=/nowhere":      "cert and key are given both or not at all",
		"etcd://h/pingap?cert=/none&key=/no": "the options cert and key: open /none: no such file or directory",
		"etcd://h/pingap?ca=/dev/null":       "the option ca: /dev/null holds no certificate in PEM",
		"/etc/pingap?separate":               `there is no option "separate"; `,
	} {
		_, err := Open(url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "a:b") {
			t.Errorf("%s: %v", url, err)
		}
	}
	s := open(t, "etcd://a,b:1,[::1],::2/x/y/")
	if e := s.medium.(*etcd); strings.Join(e.hosts, " ") != "a:2379 b:1 [::1]:2379 [::2]:2379" || e.prefix != "/x/y" {
		t.Errorf("%q %q", e.hosts, e.prefix)
	}
}

// certify writes a certificate for etcd in tests that signs itself, and its key.
func certify(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.ParseIP(addresstest.Host())},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	directory := t.TempDir()
	cert = write(t, directory, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public})))
	key = write(t, directory, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return cert, key
}

func TestEtcdSpeaksTLSAndAsksForACertificate(t *testing.T) {
	t.Parallel()
	cert, key := certify(t, "etcd")
	clientCert, clientKey := certify(t, "pingap")
	pair, err := tls.LoadX509KeyPair(clientCert, clientKey)
	must(t, err)
	server := etcdtest.NewTLS(t, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}},
		"--cert-file="+cert, "--key-file="+key, "--client-cert-auth", "--trusted-ca-file="+clientCert)
	server.Start()
	mine := "&cert=" + clientCert + "&key=" + clientKey
	for options, want := range map[string]string{
		"ca=" + cert + mine:                  "",
		"insecure_skip_verify" + mine:        "",
		"timeout=1s&tls" + mine:              "certificate signed by unknown authority",
		"timeout=1s&ca=" + clientCert + mine: "certificate signed by unknown authority",
	} {
		err := open(t, inEtcd(t, server, options)).Save(t.Context(), "", upstream("a", "1.1.1.1"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", options, err)
		}
	}
	for _, options := range []string{"timeout=1s&ca=" + cert, "timeout=1s"} {
		if _, err := open(t, inEtcd(t, server, options)).Read(t.Context()); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%s: %v", options, err)
		}
	}
}
