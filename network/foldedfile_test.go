package network

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"
)

// sameMatrix compares matrices by their values.
var sameMatrix = cmp.Comparer(func(a, b *mat.Dense) bool { return mat.Equal(a, b) })

// foldedNetworks are those that fold of some random ones.
func foldedNetworks(t testing.TB) (all []*Folded) {
	t.Helper()
	for seed := range uint64(50) {
		n := randomNetwork(rand.New(rand.NewPCG(seed, 6)))
		n.Straighten()
		if f, err := n.Fold(); err == nil {
			all = append(all, f)
		}
	}
	if len(all) < 10 {
		t.Fatalf("%d networks fold", len(all))
	}
	return all
}

func encodedFolded(t testing.TB, f *Folded) []byte {
	t.Helper()
	var b bytes.Buffer
	if n, err := f.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d of %d bytes, %v", n, b.Len(), err)
	}
	return b.Bytes()
}

func TestFoldedFileRoundTrip(t *testing.T) {
	for i, f := range foldedNetworks(t) {
		file := encodedFolded(t, f)
		rest := bytes.NewReader(append(bytes.Clone(file), "next"...))
		var got Folded
		size, err := got.ReadFrom(iotest.OneByteReader(rest))
		if err != nil || size != int64(len(file)) || rest.Len() != len("next") {
			t.Fatalf("network %d: read %d bytes, %d left, error %v: want %d and 4", i, size, rest.Len(), err, len(file))
		}
		if diff := cmp.Diff(f, &got, sameMatrix); diff != "" {
			t.Fatalf("network %d: %s", i, diff)
		}
	}
}

// withHeader is a file with any header and values.
func withHeader(header string, values ...byte) []byte {
	return append(append(binary.LittleEndian.AppendUint32(nil, uint32(len(header))), header...), values...)
}

const oneWeight = `{"geometry":[{"In":{"H":1,"W":1,"Channels":1},"Kernel":{"H":1,"W":1},"Stride":{"H":1,"W":1},"Padding":{"H":0,"W":0},"Out":1,"Pool":null}],"linear":[false]}`

func TestForgedFoldedFiles(t *testing.T) {
	large := `{"geometry":[{"In":{"H":1,"W":1,"Channels":16384},"Kernel":{"H":1,"W":1},"Stride":{"H":1,"W":1},"Padding":{"H":0,"W":0},"Out":16000}],"linear":[false]}`
	for name, test := range map[string]struct {
		file []byte
		want string
	}{
		"empty":         {nil, "unexpected EOF"},
		"empty header":  {withHeader(""), "header: "},
		"long header":   {withHeader(string(make([]byte, maxHeader+1))), "header of 65537 bytes"},
		"no layers":     {withHeader(`{"geometry":[],"linear":[]}`), "no layers"},
		"half a header": {withHeader(`{"geometry":[{"Out":1}],"linear":[false]}`), "axis of 0×0 positions"},
		"large and cut": {withHeader(large), "unexpected EOF"},
		"not a number":  {withHeader(oneWeight, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0), "value 0 is NaN"},
		"no biases":     {withHeader(oneWeight, make([]byte, 8)...), "biases: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			refusesInLittle(t, new(Folded), test.file, test.want)
		})
	}
}

func FuzzReadFolded(f *testing.F) {
	f.Add(withHeader(oneWeight, make([]byte, 16)...))
	f.Add(encodedFolded(f, foldedNetworks(f)[0]))
	f.Fuzz(func(t *testing.T, file []byte) {
		var n, again Folded
		if _, err := n.ReadFrom(bytes.NewReader(file)); err != nil {
			return
		}
		if _, err := again.ReadFrom(bytes.NewReader(encodedFolded(t, &n))); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&n, &again, sameMatrix); diff != "" {
			t.Error(diff)
		}
	})
}
