package grpc

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
)

// decodeSlowly is the obvious twin of base64Decoder: group by group, all of
// it at hand.
func decodeSlowly(s string) (string, bool) {
	var content strings.Builder
	for ; len(s) >= 4; s = s[4:] {
		b, err := base64.StdEncoding.DecodeString(s[:4])
		if err != nil || strings.ContainsAny(s[:4], "\r\n") {
			return "", false
		}
		content.Write(b)
	}
	return content.String(), s == ""
}

// decodeInPieces cuts s at random and gives the decoder random room.
func decodeInPieces(s string, random *rand.Rand) (string, bool) {
	var d base64Decoder
	var content []byte
	for s != "" {
		piece := s[:1+random.IntN(min(len(s), 20))]
		s = s[len(piece):]
		for piece != "" {
			room := make([]byte, 3+random.IntN(12))
			written, read, err := d.decode(room, []byte(piece))
			if err != nil {
				return "", false
			}
			content = append(content, room[:written]...)
			piece = piece[read:]
		}
	}
	return string(content), d.complete()
}

func FuzzBase64InPiecesIsWhatItIsAsAWhole(f *testing.F) {
	for _, s := range []string{"", "AA==", "AAA=", "AAAA", "QQ==QUI=QUJD", "QQ=", "Q===", "====", "QQ=Q", "Q", "QUJD\r\nQUJD", "QU-_", "QR==", "QUJDRA==QQ==", "=QUJ"} {
		f.Add(s, uint64(1))
	}
	f.Fuzz(func(t *testing.T, s string, seed uint64) {
		want, wantOK := decodeSlowly(s)
		got, ok := decodeInPieces(s, rand.New(rand.NewPCG(seed, 0)))
		if ok != wantOK || ok && got != want {
			t.Errorf("%q becomes %q, %v; want %q, %v", s, got, ok, want, wantOK)
		}
	})
}

func TestBase64OfMessagesOneBehindTheOtherIsDecoded(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var text, want strings.Builder
		for range random.IntN(5) {
			message := make([]byte, random.IntN(50))
			for i := range message {
				message[i] = byte(random.Uint32())
			}
			want.Write(message)
			text.WriteString(base64.StdEncoding.EncodeToString(message))
		}
		if got, ok := decodeInPieces(text.String(), random); !ok || got != want.String() {
			t.Fatalf("%q becomes %q, %v", text.String(), got, ok)
		}
	}
}

func BenchmarkBase64Decode(b *testing.B) {
	src := []byte(base64.StdEncoding.EncodeToString(make([]byte, 12<<10)))
	dst := make([]byte, textBuffer)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		var d base64Decoder
		if _, _, err := d.decode(dst, src); err != nil {
			b.Fatal(err)
		}
	}
}
