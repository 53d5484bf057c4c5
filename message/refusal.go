package message

// Refusal is why a message that came in is refused. Only what the other end
// sent is the cause of one; failures of the connection are other errors.
type Refusal struct {
	// Status is what a server answers, 4xx or 5xx.
	Status int
	// Reason says what is wrong, for logs and for who looks at the answer.
	Reason string
}

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }

// Refuse makes a Refusal.
func Refuse(status int, reason string) *Refusal { return &Refusal{Status: status, Reason: reason} }

// Refusals that every version of HTTP shares. They are values, so that a flood
// of bad requests allocates nothing.
var (
	ErrTargetByte = Refuse(400, "request target holds a byte that must be percent-encoded")
	ErrFragment   = Refuse(400, "request target holds a fragment")
	ErrEscape     = Refuse(400, "request target holds a malformed percent-encoding")
	ErrHost       = Refuse(400, "Host is malformed")
	ErrUserInfo   = Refuse(400, "user information in the authority")
	ErrConnect    = Refuse(501, "CONNECT is not served here")
)
