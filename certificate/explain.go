package certificate

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// Explain says in the words of an operator why a handshake with a client ended
// with err, where crypto/tls does not; state is that of the connection.
func Explain(err error, state tls.ConnectionState) error {
	if err == nil || !strings.Contains(err.Error(), "no certificates configured") {
		return err
	}
	if state.ServerName == "" {
		return fmt.Errorf("the client names no server: %w", ErrNoCertificate)
	}
	return fmt.Errorf("the client asks for %.253q: %w", state.ServerName, ErrNoCertificate)
}
