package addresstest

import (
	"net"
	"sync"
	"testing"
)

func TestAddressesAreGivenOutOnce(t *testing.T) {
	var seen sync.Map
	var askers sync.WaitGroup
	for range 8 {
		askers.Go(func() {
			for range 50 {
				addr := Free(t)
				if _, twice := seen.LoadOrStore(addr, true); twice {
					t.Errorf("%s is given out twice", addr)
				}
				ln, err := net.Listen("tcp", addr)
				if err != nil {
					t.Error(err)
					continue
				}
				ln.Close()
			}
		})
	}
	askers.Wait()
}
