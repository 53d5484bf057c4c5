package imageoptim

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// program is an encoder that was compiled to WebAssembly. It runs apart from
// everything else here: it sees the pixels that it is given and nothing more, and has
// no more memory than maxMemory. It runs to its end, as checks whether to stop make
// it several times slower.
type program struct {
	packed []byte // by gzip

	using   sync.RWMutex // read by those who run it, written by close
	once    sync.Once    // the first image makes it ready, which takes a second
	runtime wazero.Runtime
	module  wazero.CompiledModule
	err     error // why it cannot run
}

// maxMemory is the memory of a program that works on one image, in pages of 64 KiB.
const maxMemory = 512 << 20 >> 16

// prepare makes the program ready to run.
func (p *program) prepare() {
	defer func() {
		// Where the system gives no memory that can be executed, say.
		if r := recover(); r != nil {
			p.err = fmt.Errorf("the encoder cannot be made ready: %v", r)
		}
	}()
	ctx := context.Background()
	unpacked, err := gzip.NewReader(bytes.NewReader(p.packed))
	if err != nil {
		p.err = err
		return
	}
	code, err := io.ReadAll(unpacked)
	if err != nil {
		p.err = err
		return
	}
	p.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithMemoryLimitPages(maxMemory).WithDebugInfoEnabled(false))
	if _, err = wasi_snapshot_preview1.Instantiate(ctx, p.runtime); err == nil {
		p.module, err = p.runtime.CompileModule(ctx, code)
	}
	p.err = err
}

var (
	errEncoder = errors.New("the encoder fails")
	errClosed  = errors.New("the encoder is closed")
)

// close frees what prepare has taken, after waiting for those who run the program.
func (p *program) close() {
	p.using.Lock()
	defer p.using.Unlock()
	p.once.Do(func() {}) // nobody makes it ready any more
	p.err = errClosed
	if p.runtime != nil {
		p.runtime.Close(context.Background())
		p.runtime = nil
	}
}

// encode runs the program's function encode on pixels of four bytes, and returns a
// copy of what it makes.
func (p *program) encode(pixels []byte, width, height int, settings ...uint64) ([]byte, error) {
	p.using.RLock()
	defer p.using.RUnlock()
	p.once.Do(p.prepare)
	if p.err != nil {
		return nil, p.err
	}
	ctx := context.Background()
	module, err := p.runtime.InstantiateModule(ctx, p.module, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return nil, err
	}
	defer module.Close(ctx)
	r := run{module: module}
	in, size := r.call("malloc", uint64(len(pixels))), r.call("malloc", 8)
	r.write(in, pixels)
	r.write(size, make([]byte, 8))
	out := r.call("encode", append([]uint64{in, uint64(width), uint64(height), size}, settings...)...)
	made := r.read(out, r.length(size))
	return made, r.err
}

// run is a program that works on an image. After an error it does nothing.
type run struct {
	module api.Module
	err    error
}

// call returns the address that a function returns, which is never 0.
func (r *run) call(name string, arguments ...uint64) uint64 {
	if r.err != nil {
		return 0
	}
	results, err := r.module.ExportedFunction(name).Call(context.Background(), arguments...)
	switch {
	case err != nil:
		r.err = err
	case results[0] == 0:
		r.err = fmt.Errorf("%w: %s returns nothing", errEncoder, name)
	default:
		return results[0]
	}
	return 0
}

func (r *run) write(address uint64, data []byte) {
	if r.err == nil && !r.module.Memory().Write(uint32(address), data) {
		r.err = fmt.Errorf("%w: it has no room for the image", errEncoder)
	}
}

// length reads the size of what was made.
func (r *run) length(address uint64) uint32 {
	if r.err != nil {
		return 0
	}
	size, ok := r.module.Memory().ReadUint32Le(uint32(address))
	if !ok || size == 0 {
		r.err = fmt.Errorf("%w: it makes nothing", errEncoder)
	}
	return size
}

// read returns a copy: the memory ends with the run.
func (r *run) read(address uint64, size uint32) []byte {
	if r.err != nil {
		return nil
	}
	view, ok := r.module.Memory().Read(uint32(address), size)
	if !ok {
		r.err = fmt.Errorf("%w: it makes more than there is", errEncoder)
		return nil
	}
	return bytes.Clone(view)
}
