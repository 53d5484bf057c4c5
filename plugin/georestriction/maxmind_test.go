package georestriction

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"pingap/geo"
)

// country is a record as GeoLite2 has it; with the code "" one without a country.
func country(code string) mmdbtype.Map {
	record := mmdbtype.Map{"registered_country": mmdbtype.Map{"iso_code": mmdbtype.String("AQ")}}
	if code != "" {
		record["country"] = mmdbtype.Map{"iso_code": mmdbtype.String(code), "geoname_id": mmdbtype.Uint32(1)}
	}
	return record
}

// written is a database in MaxMind's format as MaxMind's own library writes it.
func written(t testing.TB, o mmdbwriter.Options, records map[string]mmdbtype.Map) []byte {
	t.Helper()
	o.BuildEpoch = 1700000000
	tree, err := mmdbwriter.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range records {
		_, n, err := net.ParseCIDR(network)
		if err == nil {
			err = tree.Insert(n, record)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestMaxMindsDatabasesAreRead(t *testing.T) {
	nested := map[string]mmdbtype.Map{
		"1.0.0.0/24": country("AU"), "1.0.1.0/25": country("CN"), "1.0.1.128/25": country("JP"), "223.255.255.255/32": country("de"),
		"9.0.0.0/8": country("A1"), "11.0.0.0/8": country(""), "12.0.0.0/8": {"country_code": mmdbtype.String("FR")},
	}
	six := map[string]mmdbtype.Map{"2a00::/12": country("GB"), "2a10:0:0:1::/64": country("SE")}
	for name, o := range map[string]mmdbwriter.Options{
		"of IPv4":            {DatabaseType: "Test-Country", IPVersion: 4, RecordSize: 24},
		"of both":            {DatabaseType: "Test-Country", IPVersion: 6, RecordSize: 28},
		"of both, large":     {DatabaseType: "Test-Country", IPVersion: 6, RecordSize: 32},
		"of both, unaliased": {DatabaseType: "Test-Country", IPVersion: 6, DisableIPv4Aliasing: true},
	} {
		records := make(map[string]mmdbtype.Map)
		want := map[string]string{
			"1.0.0.0": "AU", "1.0.0.255": "AU", "1.0.1.127": "CN", "1.0.1.128": "JP", "1.0.2.0": "??", "0.255.255.255": "??",
			"223.255.255.255": "DE", "9.1.1.1": "??", "11.1.1.1": "??", "12.1.1.1": "FR", "::ffff:1.0.0.9": "AU", "2a00::1": "??", "10.0.0.1": "??",
		}
		for network, record := range nested {
			records[network] = record
		}
		if o.IPVersion == 6 {
			for network, record := range six {
				records[network] = record
			}
			want["2a00::1"], want["2a0f:ffff::"], want["2a10::"], want["2a10:0:0:1::5"], want["2a10:0:0:2::"] = "GB", "GB", "??", "SE", "??"
		}
		d, err := ofMaxMind(written(t, o, records))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d.About != `2023-11-14 "Test-Country"` {
			t.Errorf("%s: it is %s", name, d.About)
		}
		for a, code := range want {
			if c := d.Country(netip.MustParseAddr(a)); c.String() != code {
				t.Errorf("%s: %s is in %v, want %s", name, a, c, code)
			}
		}
	}
}

// TestTheWholeWorldComesThrough writes the embedded database in MaxMind's format,
// and reads that.
func TestTheWholeWorldComesThrough(t *testing.T) {
	records := make(map[string]mmdbtype.Map)
	embedded := geo.Embedded()
	for n := range 256 * 64 { // each has the country of its first address
		a := netip.MustParseAddr("0.0.0.0").As4()
		a[0], a[1] = byte(n>>6), byte(n<<2)
		ip := net.IP(a[:])
		if first := a[0]; first == 0 || first == 10 || first == 127 || first >= 224 || first == 100 || first == 169 || first == 172 || first == 192 || first == 198 || first == 203 {
			continue // reserved in part
		}
		records[ip.String()+"/14"] = country(embedded.Country(netip.MustParseAddr(ip.String())).String())
	}
	d, err := ofMaxMind(written(t, mmdbwriter.Options{DatabaseType: "Test"}, records))
	if err != nil {
		t.Fatal(err)
	}
	for network := range records {
		a := netip.MustParseAddr(strings.TrimSuffix(network, "/14"))
		if got, want := d.Country(a), embedded.Country(a); got != want {
			t.Errorf("%v: %v, want %v", a, got, want)
		}
	}
}

func TestFilesThatAreNoDatabasesAreRefused(t *testing.T) {
	whole := written(t, mmdbwriter.Options{DatabaseType: "Test-Country"}, map[string]mmdbtype.Map{"1.0.0.0/8": country("AU")})
	dir := t.TempDir()
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":   {nil, "invalid MaxMind DB"},
		"text":    {[]byte("1.0.0.0/8,AU\n"), "invalid MaxMind DB"},
		"half":    {whole[:len(whole)/2], "invalid MaxMind DB"},
		"of-asn":  {written(t, mmdbwriter.Options{DatabaseType: "Test-ASN"}, map[string]mmdbtype.Map{"1.0.0.0/8": {"autonomous_system_number": mmdbtype.Uint32(5)}}), `it has no countries: its type is "Test-ASN"`},
		"nothing": {written(t, mmdbwriter.Options{DatabaseType: "Test-Country"}, nil), "it has no countries"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := open(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, name := range []string{"absent", "."} {
		if _, _, err := open(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s can be used", name)
		}
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/dev/zero", pipe} { // reading them has no end
		if _, _, err := open(name); err == nil || !strings.Contains(err.Error(), "no file with content") {
			t.Errorf("%s: %v", name, err)
		}
	}
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(large); err == nil || !strings.Contains(err.Error(), "larger than 256 MiB") {
		t.Errorf("a large one: %v", err)
	}
}

// FuzzMaxMind reads what is nearly a database: reading ends, and so do searches.
func FuzzMaxMind(f *testing.F) {
	f.Add(written(f, mmdbwriter.Options{DatabaseType: "Test", IPVersion: 4}, map[string]mmdbtype.Map{"1.0.0.0/8": country("AU")}))
	f.Add(written(f, mmdbwriter.Options{DatabaseType: "Test"}, map[string]mmdbtype.Map{"1.0.0.0/30": country("AU"), "2a00::/12": {"country_code": mmdbtype.String("FR")}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ofMaxMind(data)
		if err != nil {
			return
		}
		for _, a := range []string{"0.0.0.0", "1.0.0.1", "255.255.255.255", "::1", "2a00::1"} {
			_ = d.Country(netip.MustParseAddr(a)).String()
		}
	})
}
