package message

import "testing"

// RFC 9110 section 6.5.1.
func TestTrailersSayNothingThatHasToBeKnownBefore(t *testing.T) {
	for name, want := range map[string]bool{
		"Server-Timing": true, "X-Checksum": true, "Content-Digest": true, "grpc-status": true, "ETag": true, "Signature": true,
		"Host": false, "content-length": false, "Transfer-Encoding": false, "Content-Type": false, "Connection": false,
		"Authorization": false, "Cookie": false, "Proxy-Authorization": false, "X-Forwarded-For": false, "x-real-ip": false,
		"Forwarded": false, "If-Match": false, "Range": false, "Expect": false, "TE": false, "Sec-Fetch-Site": false,
	} {
		if got := MayTrail(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
