package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"pingap/config"
	"pingap/config/store"
)

// answer answers a request with a value that is written as JSON, or with an
// error. A nil value means that it has written the response itself.
type answer func(w http.ResponseWriter, r *http.Request) (any, error)

// failure is an error with the status that it is answered with.
type failure struct {
	status   int
	message  string
	problems config.Problems
}

func (f *failure) Error() string { return f.message }

// problem is a config.Problem in an answer.
type problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Section string `json:"section,omitempty"`
	Key     string `json:"key,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// refusal is the body of an answer to what failed.
type refusal struct {
	Message  string    `json:"message"`
	Problems []problem `json:"problems,omitempty"`
}

// workTimeout bounds how long an answer may take, a reload of a large
// configuration included.
const workTimeout = 2 * time.Minute

// answering turns an answer into a handler.
func answering(do answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), workTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		value, err := do(w, r)
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = &failure{status: http.StatusGatewayTimeout, message: fmt.Sprintf("this takes more than %v, and goes on, or has ended, by itself", workTimeout)}
		}
		switch {
		case err != nil:
			status, body := explain(err)
			writeJSON(w, status, body)
		case value != nil:
			writeJSON(w, http.StatusOK, value)
		}
	})
}

const tooLargeMessage = "the body is larger than an admin takes"

// explain returns the status and the body that an error is answered with: the
// one list of what can go wrong.
func explain(err error) (int, refusal) {
	var f *failure
	var conflict *store.Conflict
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f.status, refusal{f.message, problemsOf(f.problems)}
	case errors.As(err, &conflict):
		return http.StatusConflict, refusal{Message: err.Error()}
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, refusal{Message: tooLargeMessage}
	case errors.Is(err, store.ErrAbsent), errors.Is(err, store.ErrNoVersion), errors.Is(err, store.ErrNoHistory):
		return http.StatusNotFound, refusal{Message: err.Error()}
	case errors.Is(err, store.ErrUnreachable):
		return http.StatusServiceUnavailable, refusal{Message: err.Error()}
	}
	return http.StatusInternalServerError, refusal{Message: err.Error()}
}

// refuse answers a request with an error.
func refuse(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, refusal{Message: message})
}

func badRequest(message string) error {
	return &failure{status: http.StatusBadRequest, message: message}
}

func problemsOf(found config.Problems) (list []problem) {
	for _, p := range found {
		list = append(list, problem{p.File, p.Line, p.Section, p.Key, p.Message, p.Hint})
	}
	return list
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.Encode(value) // the client may have gone, which nobody has to know
}

// userKey is the key of a request's user in its context.
type userKey struct{}

func withUser(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, userKey{}, name)
}

// authorOf names who asks, for the history and the log.
func authorOf(r *http.Request) string {
	if name, ok := r.Context().Value(userKey{}).(string); ok {
		return name
	}
	return "admin"
}
