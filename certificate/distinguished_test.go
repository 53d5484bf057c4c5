package certificate

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
)

func TestDistinguishedNameIsWrittenLastPartFirst(t *testing.T) {
	for _, c := range []struct {
		name pkix.Name
		want string
	}{
		{pkix.Name{}, ""},
		{pkix.Name{CommonName: "Ann", Organization: []string{"Example"}, Country: []string{"DE"}}, "CN=Ann,O=Example,C=DE"},
		{pkix.Name{OrganizationalUnit: []string{"a", "b"}}, "OU=a+OU=b"},
		{pkix.Name{CommonName: `a,b+"c"\<d>;e`}, `CN=a\,b\+\"c\"\\\<d\>\;e`},
		{pkix.Name{CommonName: " #x "}, `CN=\ #x\ `},
		{pkix.Name{CommonName: "#x"}, `CN=\#x`},
		{pkix.Name{CommonName: "a\r\nX-Admin: 1"}, `CN=a\0D\0AX-Admin: 1`},
		{pkix.Name{CommonName: "Jörg"}, `CN=J\C3\B6rg`},
		{pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: "ann@a.test"}}}, "emailAddress=ann@a.test"},
		{pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 2, 3}, Value: "x"}}}, "1.2.3=#130178"},
	} {
		der, err := asn1.Marshal(c.name.ToRDNSequence())
		if err != nil {
			t.Fatal(err)
		}
		if got := DistinguishedName(der); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if got := DistinguishedName([]byte("junk")); got != "" {
		t.Errorf("junk became %q", got)
	}
}

// FuzzDistinguishedNameMatchesTheLibrary compares with crypto/x509/pkix, which
// writes printable names alike and does not escape the others.
func FuzzDistinguishedNameMatchesTheLibrary(f *testing.F) {
	f.Add("Ann", "Example, Inc.", "a+b")
	f.Add("#", " ", `\`)
	f.Fuzz(func(t *testing.T, cn, o, ou string) {
		name := pkix.Name{CommonName: cn, Organization: []string{o}, OrganizationalUnit: []string{ou, cn}}
		der, err := asn1.Marshal(name.ToRDNSequence())
		if err != nil {
			return
		}
		got := DistinguishedName(der)
		for _, c := range []byte(got) {
			if c < ' ' || c >= 0x7f {
				t.Fatalf("%q is not printable", got)
			}
		}
		var parsed pkix.RDNSequence // the parts of a set are sorted
		if _, err := asn1.Unmarshal(der, &parsed); err != nil {
			return
		}
		printable := !strings.ContainsFunc(cn+o+ou, func(r rune) bool { return r < ' ' || r >= 0x7f })
		if want := parsed.String(); printable && got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
