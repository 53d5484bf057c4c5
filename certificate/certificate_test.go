package certificate

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLoadReadsTextBase64AndFiles(t *testing.T) {
	leaf := newLeaf(t, nil, newECDSA(t), "a.test")
	cert, key := certPEM(leaf), keyPEM(t, leaf.key)
	home := t.TempDir()
	t.Setenv("HOME", home)
	write := func(name, content string) string {
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	certFile, keyFile := write("cert.pem", cert), write("key.pem", key)
	both, packed := write("both.pem", key+cert), write("packed", encode(cert)+"\n")
	for name, c := range map[string]struct {
		cert, key string
		files     []string
	}{
		"PEM text":             {cert, key, nil},
		"base64":               {encode(cert), encode(key), nil},
		"base64 in lines":      {encode(cert)[:50] + "\n " + encode(cert)[50:], key, nil},
		"files":                {certFile, keyFile, []string{certFile, keyFile}},
		"files below home":     {"~/cert.pem", "~/key.pem", []string{certFile, keyFile}},
		"a file of base64":     {packed, key, []string{packed}},
		"one text for both":    {cert + key, "", nil},
		"one file for both":    {both, "", []string{both}},
		"one file, said twice": {both, both, []string{both}},
	} {
		got, err := Load(Spec{Name: "x", Cert: c.cert, Key: c.key})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !got.Leaf.Equal(leaf.cert) || !slices.Equal(got.Domains, []string{"a.test"}) {
			t.Errorf("%s: got the certificate of %v", name, got.Domains)
		}
		if !slices.Equal(got.Files, c.files) {
			t.Errorf("%s: files %q, want %q", name, got.Files, c.files)
		}
	}
}

func TestLoadReadsKeysInEveryForm(t *testing.T) {
	form := func(kind string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	ec, ed, rsaKey := newECDSA(t), newEd25519(t), newRSA()
	sec1, err := x509.MarshalECPrivateKey(ec)
	for name, c := range map[string]struct {
		key  crypto.Signer
		text string
	}{
		"RSA in PKCS 1":     {rsaKey, form("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil)},
		"RSA in PKCS 8":     {rsaKey, keyPEM(t, rsaKey)},
		"ECDSA in SEC 1":    {ec, form("EC PRIVATE KEY", sec1, err)},
		"ECDSA in PKCS 8":   {ec, keyPEM(t, ec)},
		"Ed25519 in PKCS 8": {ed, keyPEM(t, ed)},
		// openssl ecparam -genkey writes the curve in front.
		"ECDSA behind its parameters": {ec, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + form("EC PRIVATE KEY", sec1, err)},
	} {
		leaf := newLeaf(t, nil, c.key, "a.test")
		if _, err := Load(Spec{Cert: certPEM(leaf), Key: c.text}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	ca := newCA(t, "Test CA", nil)
	leaf := newLeaf(t, ca, newECDSA(t), "a.test")
	cert, key := certPEM(leaf), keyPEM(t, leaf.key)
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{Cert: "", Key: key}, "tls_cert is empty"},
		{Spec{Cert: cert, Key: ""}, "tls_key is empty, and tls_cert holds no private key"},
		{Spec{Cert: dir + "/none.pem", Key: key}, "tls_cert file " + dir + "/none.pem: no such file"},
		{Spec{Cert: dir, Key: key}, "is not a file"},
		{Spec{Cert: file("der", string(leaf.cert.Raw)), Key: key}, "holds DER, not PEM"},
		{Spec{Cert: file("nothing", "\n"), Key: key}, "nothing is empty"},
		{Spec{Cert: file("words", "hello"), Key: key}, "there is no line that starts with -----BEGIN"},
		{Spec{Cert: file("large", strings.Repeat("x", maxText+1)), Key: key}, "larger than 1024 KiB"},
		{Spec{Cert: key, Key: key}, `tls_cert holds no certificate (found "PRIVATE KEY")`},
		{Spec{Cert: strings.Replace(cert, "-----END", "", 1), Key: key}, "no block of PEM is complete"},
		{Spec{Cert: certPEM(&pair{cert: &x509.Certificate{Raw: []byte("junk")}}), Key: key}, "certificate 1 of the text cannot be read"},
		{Spec{Cert: strings.Repeat(cert, maxChain+1), Key: key}, "more than 64 certificates"},
		{Spec{Cert: cert, Key: keyPEM(t, newECDSA(t))}, `tls_key is not the key of tls_cert: the certificate of "a.test" has an ECDSA key on P-256`},
		{Spec{Cert: cert, Key: keyPEM(t, newRSA())}, "the key is an RSA key of 2048 bits"},
		{Spec{Cert: certPEM(ca, leaf), Key: key}, `tls_key is the key of certificate 2 in tls_cert, that of "a.test": it must stand first`},
		{Spec{Cert: cert, Key: "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----\n"}, "encrypted with a passphrase"},
		{Spec{Cert: cert, Key: "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMA==\n-----END RSA PRIVATE KEY-----\n"}, "encrypted with a passphrase"},
		{Spec{Cert: cert, Key: "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"}, "the private key cannot be read"},
		{Spec{Cert: cert, Key: key, Domains: []string{"a.*.test"}}, "a wildcard stands for the whole first label"},
		{Spec{Cert: cert, Key: key, Domains: []string{"bücher.test"}}, "begins with xn--"},
		{Spec{Cert: cert, Key: key, Domains: []string{"a b"}}, "is no host name"},
		{Spec{Cert: cert, Key: key, Domains: []string{""}}, "a name is empty"},
		{Spec{Cert: cert, Key: key, CA: true}, `is_ca is set, but the certificate of "a.test" is not that of an authority`},
	} {
		_, err := Load(c.spec)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestErrorsDoNotShowWhatMayBeAKey(t *testing.T) {
	leaf := newLeaf(t, nil, newECDSA(t), "a.test")
	secret := base64.StdEncoding.EncodeToString([]byte(keyPEM(t, leaf.key)))
	for _, key := range []string{secret[:len(secret)-1], secret[4:], secret[:90]} {
		_, err := Load(Spec{Cert: certPEM(leaf), Key: key})
		if err == nil || strings.Contains(err.Error(), key[:20]) {
			t.Errorf("got %v", err)
		}
	}
}

func TestLoadWarnsOfWhatClientsWillNotLike(t *testing.T) {
	root := newCA(t, "Root", nil)
	middle := newCA(t, "Middle", root)
	day := 24 * time.Hour
	leaf := func(change func(*x509.Certificate)) *pair {
		template := x509.Certificate{DNSNames: []string{"a.test"}, IssuingCertificateURL: []string{"http://ca.test/middle.crt"}}
		change(&template)
		return sign(t, template, newECDSA(t), middle)
	}
	for _, c := range []struct {
		what    string
		leaf    *pair
		chain   []*pair
		domains []string
		want    string // none when empty
	}{
		{"in order", leaf(func(*x509.Certificate) {}), []*pair{middle}, nil, ""},
		{"names of its own", leaf(func(*x509.Certificate) {}), []*pair{middle}, []string{"a.test"}, ""},
		{"expired", leaf(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), []*pair{middle}, nil, `"a.test" expired on`},
		{"not yet valid", leaf(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(day); c.NotAfter = time.Now().Add(2 * day) }), []*pair{middle}, nil, "not valid before"},
		{"no intermediate", leaf(func(*x509.Certificate) {}), nil, nil, "append the intermediate certificate"},
		{"wrong intermediate", leaf(func(*x509.Certificate) {}), []*pair{newCA(t, "Other", root)}, nil, `"Other", which is not an issuer`},
		{"other names", leaf(func(*x509.Certificate) {}), []*pair{middle}, []string{"a.test", "b.test"}, "not valid for b.test"},
		{"no names", leaf(func(c *x509.Certificate) { c.DNSNames = nil }), []*pair{middle}, nil, "lists no names"},
	} {
		got := loaded(t, Spec{Domains: c.domains}, c.leaf, c.chain...).Warnings
		if c.want == "" && len(got) > 0 || c.want != "" && !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
}

func TestLoadWarnsOfSignaturesWithSHA1(t *testing.T) {
	leaf := newLeaf(t, newCA(t, "CA", nil), newECDSA(t), "a.test")
	// crypto/x509 does not make such certificates any more, but reads them.
	var parts struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(leaf.cert.Raw, &parts); err != nil {
		t.Fatal(err)
	}
	withSHA256, withSHA1 := []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}, []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1}
	tbs := bytes.Replace(parts.TBS.Bytes, append([]byte{0x30, 10, 6, 8}, withSHA256...), append([]byte{0x30, 9, 6, 7}, withSHA1...), 1)
	parts.TBS = asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSequence, IsCompound: true, Bytes: tbs}
	parts.Algorithm.Algorithm = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1}
	der, err := asn1.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	got := loaded(t, Spec{}, &pair{cert, leaf.key}).Warnings
	if len(got) != 1 || !strings.Contains(got[0], "ECDSA-SHA1, which clients refuse") {
		t.Errorf("got %q", got)
	}
}

func TestLoadPutsTheChainInOrder(t *testing.T) {
	root := newCA(t, "Root", nil)
	upper := newCA(t, "Upper", root)
	lower := newCA(t, "Lower", upper)
	leaf := newLeaf(t, lower, newECDSA(t), "a.test")
	c := loaded(t, Spec{}, leaf, upper, lower)
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %q", c.Warnings)
	}
	if got := c.TLS().Certificate; len(got) != 3 || !bytes.Equal(got[1], lower.cert.Raw) || !bytes.Equal(got[2], upper.cert.Raw) {
		t.Error("the chain is not leaf, lower, upper")
	}
}

func TestDigestTellsCertificatesApart(t *testing.T) {
	key := newECDSA(t)
	leaf := newLeaf(t, nil, key, "a.test")
	path := filepath.Join(t.TempDir(), "cert.pem")
	write := func(p *pair) {
		if err := os.WriteFile(path, []byte(certPEM(p)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(leaf)
	spec := Spec{Name: "x", Cert: path, Key: keyPEM(t, key)}
	digest := func(spec Spec) [sha256.Size]byte {
		c, err := Load(spec)
		if err != nil {
			t.Fatal(err)
		}
		return c.Digest
	}
	before := digest(spec)
	if digest(spec) != before {
		t.Error("the same certificate has two digests")
	}
	other := spec
	other.Default = true
	if digest(other) == before {
		t.Error("another setting has the same digest")
	}
	write(newLeaf(t, nil, key, "a.test"))
	if digest(spec) == before {
		t.Error("a file that was renewed in place has the same digest")
	}
}

func TestDigestOfIsThatOfWhatValuesHold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.pem")
	text := certPEM(newCA(t, "CA", nil))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	same := DigestOf(text, "x")
	if DigestOf(path, "x") != same || DigestOf(base64.StdEncoding.EncodeToString([]byte(text)), "x") != same {
		t.Error("the same text has two digests")
	}
	if DigestOf(text, "y") == same || DigestOf(text) == same || DigestOf("x", text) == same {
		t.Error("other values have the same digest")
	}
	if err := os.WriteFile(path, []byte(text+text), 0o600); err != nil {
		t.Fatal(err)
	}
	if DigestOf(path, "x") == same {
		t.Error("another content has the same digest")
	}
}

func FuzzLoadNeverPanics(f *testing.F) {
	leaf := newLeaf(f, newCA(f, "CA", nil), newECDSA(f), "a.test")
	f.Add([]byte(certPEM(leaf)), []byte(keyPEM(f, leaf.key)), "a.test")
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----"), []byte("-----BEGIN "), "*.")
	f.Fuzz(func(t *testing.T, cert, key []byte, domain string) {
		certs, err := parseCertificates(cert, maxChain)
		if err != nil {
			return
		}
		parseKey(key)
		c := &Certificate{Leaf: certs[0]}
		c.Chain, _ = orderChain(certs[0], certs[1:])
		c.Domains, c.Addrs, _ = parseDomains([]string{domain})
		warnings(c, true, time.Now())
		DistinguishedName(certs[0].RawSubject)
	})
}
