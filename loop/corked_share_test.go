package loop_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
)

func TestCorkedOutputLeavesOnceWhenTheFairShareEndsInAWrite(t *testing.T) {
	const pieces = 300
	body := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
	var want, got bytes.Buffer
	read := make(chan error, 1)
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		go func() {
			_, err := io.Copy(&got, far)
			read <- err
		}()
		for i := range pieces {
			head := fmt.Appendf(nil, "<%d>", i)
			want.Write(head)
			want.Write(body)
			if _, err := near.Append(head); err != nil {
				t.Error(err)
			}
			if _, err := near.Write(body); err != nil {
				t.Error(err)
			}
		}
		near.Close()
	})
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes arrived that are not the %d that were written", got.Len(), want.Len())
	}
}
