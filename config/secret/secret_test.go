package secret

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The vectors are those of RFC 8452 appendix C.2.
func TestGCMSIVOpensWhatTheRFCSealed(t *testing.T) {
	key := append([]byte{1}, make([]byte, 31)...)
	nonce := append([]byte{3}, make([]byte, 11)...)
	for plain, sealed := range map[string]string{
		"":                         "07f5f4169bbf55a8400cd47ea6fd400f",
		"0100000000000000":         "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28",
		"010000000000000000000000": "9aab2aeb3faa0a34aea8e2b18ca50da9ae6559e48fd10f6e5c9ca17e",
	} {
		in, err := hex.DecodeString(sealed)
		if err != nil {
			t.Fatal(err)
		}
		got, err := openGCMSIV(key, nonce, in)
		if err != nil || hex.EncodeToString(got) != plain {
			t.Errorf("%s: got %x, %v", plain, got, err)
		}
		in[0] ^= 1
		if got, err := openGCMSIV(key, nonce, in); err == nil {
			t.Errorf("%s: a changed text was opened: %x", plain, got)
		}
	}
}

func TestTextsThatPingapEncryptedAreRead(t *testing.T) {
	for _, c := range []struct{ passphrase, value, want string }{
		{"pingap", "KIs8iqhm4krC9YlV5DiSTQ==", ""},
		{"pingap", "mxCICUspqktNH4BscbCFrETbYaEZ", "hello"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "lnSr10sEYVqFlpENKPhewTRdHORDlhy5K8rj1S/L3Op9eyIQAo7RJfjaIJPGPluBagi2hSKYqj+mCYyGnLRHT1gE04Sa1J4=", "exactly sixteen!exactly sixteen!exactly sixteen!größe"},
		{"schlüssel", "Goce42/zh01jctxloKbhcJbv6LOfun6CxYm6Ln4=", "remark = 'x'\n"},
	} {
		got, err := Decrypt(c.value, c.passphrase)
		if err != nil || got != c.want {
			t.Errorf("%q: got %q, %v", c.want, got, err)
		}
		if _, err := Decrypt(c.value, "x"+c.passphrase); !errors.Is(err, ErrPassphrase) {
			t.Errorf("%q with another passphrase: %v", c.want, err)
		}
	}
}

func TestOwnFormatIsReadAgainAndHidesEquality(t *testing.T) {
	for text, rounds := range map[string]int{"": 1, "a": rounds, strings.Repeat("größe", 1000): 2} {
		one, err := encrypt(text, "correct horse", rounds)
		if err != nil {
			t.Fatal(err)
		}
		two, err := encrypt(text, "correct horse", rounds)
		if err != nil || one == two {
			t.Errorf("twice the same result: %q, %v", one, err)
		}
		if got, err := Decrypt(" "+two+"\n", "correct horse"); err != nil || got != text {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := Decrypt(one, "wrong horse"); !errors.Is(err, ErrPassphrase) {
			t.Errorf("with another passphrase: %v", err)
		}
	}
}

func TestWhatIsNotEncryptedIsRefused(t *testing.T) {
	for _, c := range []struct{ value, passphrase, want string }{
		{"hello world!", "x", "the encrypted text is not base64"},
		{"aGVsbG8=", "x", "the encrypted text is too short"},
		{"aGVsbG8=", "", "the passphrase is empty"},
		{"aes256gcm:", "x", `after "aes256gcm:" a number of rounds up to 10000000 and a colon are expected`},
		{"aes256gcm:99999999:aGVsbG8=", "x", `after "aes256gcm:" a number of rounds up to 10000000 and a colon are expected`},
		{"aes256gcm:1:aGVsbG8=", "x", "the encrypted text is too short"},
		{"aes256gcm:1:!", "x", "the encrypted text is not base64"},
	} {
		if _, err := Decrypt(c.value, c.passphrase); err == nil || err.Error() != c.want {
			t.Errorf("%q: got %v, want %s", c.value, err, c.want)
		}
	}
	if _, err := Encrypt("x", ""); err == nil {
		t.Error("an empty passphrase was taken")
	}
}

func FuzzNothingIsDecryptedByChance(f *testing.F) {
	f.Add([]byte("aes256gcm:1:AAAA"))
	f.Add(bytes.Repeat([]byte{'A'}, 64))
	f.Fuzz(func(t *testing.T, value []byte) {
		if number, _, ok := strings.Cut(strings.TrimPrefix(string(value), prefix), ":"); ok && len(number) > 2 {
			return // would only take long
		}
		if text, err := Decrypt(string(value), "passphrase"); err == nil {
			t.Errorf("%q became %q", value, text)
		}
	})
}
