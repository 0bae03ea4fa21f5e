package network

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestFileRoundTrip(t *testing.T) {
	for seed := range uint64(50) {
		n := randomNetwork(rand.New(rand.NewPCG(seed, 2)))
		file := encoded(t, n)
		var got Network
		rest := bytes.NewReader(append(bytes.Clone(file), "next"...))
		size, err := got.ReadFrom(iotest.OneByteReader(rest))
		if err != nil || size != int64(len(file)) || rest.Len() != len("next") {
			t.Fatalf("seed %d: read %d bytes, %d left, error %v: want %d and 4", seed, size, rest.Len(), err, len(file))
		}
		if diff := cmp.Diff(n, &got); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

func tinyNetwork() *Network {
	return &Network{2, []Layer{
		&Dense{In: 2, Out: 1, W: []float32{1, 0}, B: []float32{3}, Mask: []bool{true, false}},
		newBatchNorm(1), &Quadratic{0.5, 0.25, true},
	}}
}

func TestDamagedFiles(t *testing.T) {
	file := encoded(t, tinyNetwork())
	var n Network
	for bit := range 8 * len(file) {
		damaged := bytes.Clone(file)
		damaged[bit/8] ^= 1 << (bit % 8)
		if _, err := n.ReadFrom(bytes.NewReader(damaged)); err == nil {
			t.Errorf("bit %d: the damage passed", bit)
		}
	}
	for size := range file {
		read, err := n.ReadFrom(bytes.NewReader(file[:size]))
		if !errors.Is(err, io.ErrUnexpectedEOF) || read != int64(size) {
			t.Errorf("first %d bytes: read %d, error %v: want an unexpected EOF", size, read, err)
		}
	}
	if diff := cmp.Diff(Network{}, n); diff != "" {
		t.Errorf("a failed read changed the network: %s", diff)
	}
}

// sealed is a file with a right checksum around any header and values.
func sealed(header string, values ...byte) []byte {
	file := binary.LittleEndian.AppendUint32([]byte(fileMagic), fileVersion)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(header)))
	file = append(append(file, header...), values...)
	sum := sha256.Sum256(file)
	return append(file, sum[:]...)
}

func TestForgedFiles(t *testing.T) {
	tests := map[string]struct {
		file []byte
		want string
	}{
		"empty header":  {sealed(""), "header: "},
		"no layers":     {sealed(`{"inputs":1}`), "no layers"},
		"unknown kind":  {sealed(`{"inputs":1,"layers":[{"kind":"relu","in":1,"out":1}]}`), `kind "relu" is unknown`},
		"negative size": {sealed(`{"inputs":1,"layers":[{"kind":"dense","in":1,"out":-1}]}`), "layer 0 of -1×1"},
		"huge layer":    {sealed(`{"inputs":1,"layers":[{"kind":"dense","in":1048576,"out":1048576}]}`), "more than"},
		"large and cut": {sealed(`{"inputs":16384,"layers":[{"kind":"dense","in":16384,"out":16000}]}`), "unexpected EOF"},
		"wrong inputs":  {sealed(`{"inputs":2,"layers":[{"kind":"dense","in":1,"out":1}]}`, make([]byte, 8)...), "takes 1 values: want 2"},
		"not a number":  {sealed(`{"inputs":1,"layers":[{"kind":"dense","in":1,"out":1}]}`, 0, 0, 0xff, 0xff, 0, 0, 0, 0), "weight 0 is NaN"},
		"pruned weight": {sealed(`{"inputs":1,"layers":[{"kind":"dense","in":1,"out":1,"masked":true}]}`, 0, 0, 128, 63, 0, 0, 0, 0, 0), "pruned weight 0 is 1"},
		"long header":   {sealed(string(make([]byte, maxHeader+1))), "header of 65537 bytes"},
		"another file":  {bytes.Repeat([]byte("PNG"), 20), "not a network file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			refusesInLittle(t, new(Network), test.file, test.want)
		})
	}
}

// refusesInLittle wants a file refused without taking its word for how large it is.
func refusesInLittle(t *testing.T, n io.ReaderFrom, file []byte, want string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := n.ReadFrom(bytes.NewReader(file))
	runtime.ReadMemStats(&after)
	wantError(t, err, want)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("reading %d bytes took %d bytes of memory", len(file), used)
	}
}

func TestWriteFails(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	if n, err := tinyNetwork().WriteTo(w); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("wrote %d bytes to a closed pipe, error %v", n, err)
	}
}

// FuzzRead reads arbitrary headers and values, with the right checksum and length, or as a raw file.
func FuzzRead(f *testing.F) {
	file := encoded(f, tinyNetwork())
	length := int(binary.LittleEndian.Uint32(file[12:]))
	f.Add(string(file[16:16+length]), file[16+length:len(file)-sha256.Size], true)
	f.Add("", file, false)
	f.Fuzz(func(t *testing.T, header string, values []byte, seal bool) {
		data := values
		if seal {
			data = sealed(header, values...)
		}
		var n, again Network
		size, err := n.ReadFrom(bytes.NewReader(data))
		if size > int64(len(data)) {
			t.Errorf("read %d of %d bytes", size, len(data))
		}
		if err != nil {
			return
		}
		if _, err := again.ReadFrom(bytes.NewReader(encoded(t, &n))); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(n, again); diff != "" {
			t.Error(diff)
		}
	})
}
