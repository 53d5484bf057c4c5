package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestServerSpeaksModernTLSByDefault(t *testing.T) {
	server, client := site(t, ServerSpec{HTTP2: true}, "a.test")
	client.NextProtos = []string{"h2", "http/1.1"}
	_, got, err := shake(t, server, client)
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != tls.VersionTLS13 || got.CurveID != tls.X25519MLKEM768 || got.NegotiatedProtocol != "h2" {
		t.Errorf("got %s, %v, %q", tls.VersionName(got.Version), got.CurveID, got.NegotiatedProtocol)
	}
	client.MaxVersion = tls.VersionTLS11
	if _, _, err := shake(t, server, client); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	client.MaxVersion = tls.VersionTLS12
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		client.CipherSuites = []uint16{s.ID}
		_, _, err := shake(t, server, client)
		wanted := strings.Contains(s.Name, "ECDHE_ECDSA") && (strings.Contains(s.Name, "GCM") || strings.Contains(s.Name, "CHACHA"))
		if (err == nil) != wanted {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}

func TestClientsChooseAmongTheVersionsOfHTTP(t *testing.T) {
	on := ServerSpec{HTTP2: true}
	back := ServerSpec{HTTP2: true, MinVersion: "tlsv1.1"}
	for _, c := range []struct {
		spec    ServerSpec
		asks    []string
		highest uint16
		want    string
	}{
		{ServerSpec{}, []string{"h2", "http/1.1"}, 0, "http/1.1"},
		{on, []string{"http/1.1", "h2"}, 0, "h2"},
		{on, []string{"http/1.1"}, 0, "http/1.1"},
		{on, []string{"http/1.0"}, 0, "http/1.0"},
		{on, nil, 0, ""},
		{back, []string{"h2", "http/1.1"}, 0, "h2"},
		{back, []string{"h2", "http/1.1"}, tls.VersionTLS12, "h2"},
		// HTTP/2 is not for TLS 1.1.
		{back, []string{"h2", "http/1.1"}, tls.VersionTLS11, "http/1.1"},
		{ServerSpec{HTTP2: true, MaxVersion: "tlsv1.1"}, []string{"h2", "http/1.1"}, 0, "http/1.1"},
	} {
		server, client := site(t, c.spec, "a.test")
		client.NextProtos, client.MaxVersion, client.MinVersion = c.asks, c.highest, tls.VersionTLS11
		_, got, err := shake(t, server, client)
		if err != nil || got.NegotiatedProtocol != c.want {
			t.Errorf("%+v: got %q, %v", c, got.NegotiatedProtocol, err)
		}
	}
}

func TestServerConfigHasTheVersionsThatWereSet(t *testing.T) {
	for _, c := range []struct {
		minimum, maximum string
		lowest, highest  uint16
	}{
		{"", "", tls.VersionTLS12, tls.VersionTLS13},
		{"tlsv1.3", "", tls.VersionTLS13, tls.VersionTLS13},
		{"TLSv1.1", "TLSV1.2", tls.VersionTLS11, tls.VersionTLS12},
		{"tls1.3", "", tls.VersionTLS13, tls.VersionTLS13}, // not 1.2, as whoever writes it may fear
		{"", "tlsv1.1", tls.VersionTLS11, tls.VersionTLS11},
	} {
		got, _, err := ServerConfig(ServerSpec{MinVersion: c.minimum, MaxVersion: c.maximum})
		if err != nil || got.MinVersion != c.lowest || got.MaxVersion != c.highest {
			t.Errorf("%q to %q: %v", c.minimum, c.maximum, err)
		}
	}
}

func TestServerConfigSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		spec ServerSpec
		want string
	}{
		{ServerSpec{MinVersion: "1.2"}, `tls_min_version: "1.2" is no version of TLS: write tlsv1.2`},
		{ServerSpec{MaxVersion: "tlsv1.4"}, "tls_max_version"},
		{ServerSpec{MinVersion: "tlsv1.3", MaxVersion: "tlsv1.2"}, "no client could connect"},
		{ServerSpec{CipherList: "ECDHE-RSA-AES128-GCM-SHA265"}, `did you mean "ECDHE-RSA-AES128-GCM-SHA256"?`},
		{ServerSpec{CipherList: "nonsense"}, `"nonsense" is no cipher suite; known are ECDHE`},
		{ServerSpec{CipherList: "HIGH:!aNUL"}, `"aNUL" is no cipher suite`},
		{ServerSpec{CipherList: "DHE-RSA-AES128-GCM-SHA256"}, "selects no cipher suite that TLS in Go has"},
		{ServerSpec{CipherList: "TLS_AES_128_GCM_SHA256"}, "belongs to TLS 1.3"},
		{ServerSpec{CipherSuites: "TLS_AES_128_GCM_SHA265"}, `did you mean "TLS_AES_128_GCM_SHA256"?`},
		{ServerSpec{ClientAuth: "require"}, "tls_client_ca does not say who issues them"},
		{ServerSpec{ClientAuth: "requires"}, `did you mean "require"?`},
		{ServerSpec{ClientCA: "/none/ca.pem"}, "tls_client_ca file /none/ca.pem: no such file"},
	} {
		_, _, err := ServerConfig(c.spec)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestServerConfigWarnsOfWhatDoesSomethingElse(t *testing.T) {
	for _, c := range []struct {
		spec ServerSpec
		want string // none when empty
	}{
		{ServerSpec{HTTP2: true}, ""},
		{ServerSpec{CipherSuites: "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"}, ""},
		{ServerSpec{CipherSuites: "TLS_AES_256_GCM_SHA384"}, "tls_ciphersuites has no effect"},
		{ServerSpec{CipherList: "ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256"}, "DHE-RSA-AES128-GCM-SHA256 is left out"},
		{ServerSpec{CipherList: "ECDHE-RSA-AES128-SHA", HTTP2: true}, "HTTP/2 forbids all of these"},
		{ServerSpec{MinVersion: "tlsv1.1"}, "RFC 8996"},
	} {
		_, got, err := ServerConfig(c.spec)
		if err != nil || c.want == "" && len(got) > 0 || !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("got %q, %v, want %q", got, err, c.want)
		}
	}
}

func TestCipherListsAreOpenSSLExpressions(t *testing.T) {
	const (
		modern = "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305"
		cbc    = " ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256 ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA"
	)
	for list, want := range map[string]string{
		"ECDHE-RSA-AES128-GCM-SHA256":                           "ECDHE-RSA-AES128-GCM-SHA256",
		"AES128-SHA,ECDHE-RSA-AES128-GCM-SHA256":                "ECDHE-RSA-AES128-GCM-SHA256 AES128-SHA",
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256":                 "ECDHE-RSA-AES128-GCM-SHA256",
		"HIGH:!aNULL:!MD5":                                      modern + cbc,
		"EECDH+AESGCM:EECDH+CHACHA20":                           modern,
		"EECDH+AESGCM:EDH+AESGCM:!ECDSA":                        "ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384",
		"ALL:!SHA1:!CBC:!AES256:!ECDSA":                         "ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-CHACHA20-POLY1305",
		"kRSA+AESGCM":                                           "AES128-GCM-SHA256 AES256-GCM-SHA384",
		"!ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA": "AES128-SHA",
		"HIGH:-HIGH:AES128-SHA:@STRENGTH:+AES":                  "AES128-SHA",
	} {
		ids, _, err := parseCipherList(list)
		var got []string
		for _, s := range suites {
			if slices.Contains(ids, s.id) {
				got = append(got, s.name)
			}
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s\ngot  %s, %v\nwant %s", list, strings.Join(got, " "), err, want)
		}
	}
}

func FuzzCipherListsNeverPanic(f *testing.F) {
	f.Add("EECDH+AESGCM:!aNULL:@STRENGTH")
	f.Add("+:!:-:++")
	f.Fuzz(func(t *testing.T, list string) {
		ids, _, err := parseCipherList(list)
		if (len(ids) == 0) != (err != nil) {
			t.Errorf("%q: %v, %v", list, ids, err)
		}
		checkCiphersuites(list)
		parseVersion(list, 0)
	})
}

func TestServerWithOnlyRSACipherSuitesUsesTheRSACertificate(t *testing.T) {
	ca := newCA(t, "CA", nil)
	store, _ := NewStore([]*Certificate{
		loaded(t, Spec{Name: "rsa"}, newLeaf(t, ca, newRSA(), "a.test")),
		loaded(t, Spec{Name: "ecdsa"}, newLeaf(t, ca, newECDSA(t), "a.test")),
	})
	for _, c := range []struct {
		spec ServerSpec
		want x509.PublicKeyAlgorithm
	}{
		{ServerSpec{}, x509.ECDSA},
		{ServerSpec{MaxVersion: "tlsv1.2"}, x509.ECDSA},
		{ServerSpec{MaxVersion: "tlsv1.2", CipherList: "ECDHE-RSA-AES128-GCM-SHA256"}, x509.RSA},
		{ServerSpec{MaxVersion: "tlsv1.2", CipherList: "ECDHE-ECDSA-AES128-GCM-SHA256"}, x509.ECDSA},
	} {
		c.spec.Store = store
		server, _, err := ServerConfig(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		_, got, err := shake(t, server, &tls.Config{RootCAs: poolOf(ca), ServerName: "a.test"})
		if err != nil || got.PeerCertificates[0].PublicKeyAlgorithm != c.want {
			t.Errorf("%+v: %v", c.spec, err)
		}
	}
}

func TestClientsThatNothingMatchesAreToldSo(t *testing.T) {
	store, _ := NewStore([]*Certificate{loaded(t, Spec{Name: "x"}, newLeaf(t, nil, newECDSA(t), "a.test"))})
	server, client := site(t, ServerSpec{Store: store}, "b.test")
	state, _, err := shake(t, server, client)
	if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("got %v", err)
	}
	err = Explain(err, state)
	if !errors.Is(err, ErrNoCertificate) || !strings.Contains(err.Error(), `"b.test"`) {
		t.Errorf("explained as %v", err)
	}
	other := errors.New("other")
	if Explain(other, state) != other {
		t.Error("another error is explained too")
	}
}

func TestServersAskClientsForCertificates(t *testing.T) {
	known, unknown := newCA(t, "Known", nil), newCA(t, "Unknown", nil)
	show := func(issuer *pair) []tls.Certificate {
		p := sign(t, x509.Certificate{Subject: pkix.Name{CommonName: "Ann"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, newECDSA(t), issuer)
		return []tls.Certificate{{Certificate: [][]byte{p.cert.Raw}, PrivateKey: p.key}}
	}
	for _, c := range []struct {
		mode                 string
		none, known, unknown bool
	}{
		{"", false, true, false},
		{"require", false, true, false},
		{"optional", true, true, false},
		{"optional_no_ca", true, true, true},
	} {
		server, client := site(t, ServerSpec{ClientCA: certPEM(known), ClientAuth: c.mode}, "a.test")
		for what, shown := range map[string]struct {
			certs []tls.Certificate
			want  bool
		}{"none": {nil, c.none}, "known": {show(known), c.known}, "unknown": {show(unknown), c.unknown}} {
			// crypto/tls shows nothing that was not asked for.
			client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if shown.certs == nil {
					return &tls.Certificate{}, nil
				}
				return &shown.certs[0], nil
			}
			if _, _, err := shake(t, server, client); (err == nil) != shown.want {
				t.Errorf("mode %q, certificate %s: %v", c.mode, what, err)
			}
		}
	}
}
