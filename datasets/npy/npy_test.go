package npy

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func unpack(content []byte) (map[string]Array, error) {
	return ReadNPZ(bytes.NewReader(content), int64(len(content)))
}

func decode(content []byte) (Array, error) {
	return Read(bytes.NewReader(content), int64(len(content)))
}

func mustUnpack(t testing.TB, content []byte) map[string]Array {
	t.Helper()
	arrays, err := unpack(content)
	if err != nil {
		t.Fatal(err)
	}
	return arrays
}

func mustNew[T Number](t testing.TB, values []T, shape ...int) Array {
	t.Helper()
	a, err := New(values, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestReadsNumPy reads what NumPy wrote: all types, byte orders and orders of axes.
func TestReadsNumPy(t *testing.T) {
	arrays := mustUnpack(t, readFile(t, "types.npz"))
	for name, a := range arrays {
		least := -5.0
		if a.Type[0] == 'u' {
			least = 0
		}
		want := make([]float64, 24)
		for i := range want {
			want[i] = float64(i) + least
		}
		shape := []int{2, 3, 4}
		switch name {
		case "bool":
			for i, v := range want {
				want[i] = 0
				if v > 0 {
					want[i] = 1
				}
			}
		case "scalar":
			want, shape = []float64{2.5}, nil
		case "empty":
			want, shape = []float64{}, []int{0, 3}
		case "big", "fortran":
		default:
			if string(a.Type) != name {
				t.Errorf("%s has type %s", name, a.Type)
			}
		}
		if diff := cmp.Diff(want, a.Float64s()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(shape, a.Shape); diff != "" {
			t.Errorf("%s: shape: %s", name, diff)
		}
	}
	if len(arrays) != 15 {
		t.Errorf("%d arrays: want 15", len(arrays))
	}
	packed := mustUnpack(t, readFile(t, "packed.npz"))
	if got, err := packed["y_train"].Int64s(); err != nil || !cmp.Equal(got, []int64{0, 1}) {
		t.Errorf("y_train is %v, %v", got, err)
	}
	vector, err := decode(readFile(t, "vector.npy"))
	if err != nil || !cmp.Equal(vector.Float32s(), []float32{1.5, -2.5}) {
		t.Errorf("vector is %v, %v", vector, err)
	}
}

// TestWritesLikeNumPy writes what NumPy wrote, byte for byte.
func TestWritesLikeNumPy(t *testing.T) {
	for _, file := range []string{"types.npz", "packed.npz"} {
		content := readFile(t, file)
		archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		arrays := mustUnpack(t, content)
		for _, member := range archive.File {
			if member.Name == "big.npy" || member.Name == "fortran.npy" { // orders that are not written
				continue
			}
			r, err := member.Open()
			if err != nil {
				t.Fatal(err)
			}
			want, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := Write(&got, arrays[strings.TrimSuffix(member.Name, suffix)]); err != nil || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s: %v, %q: want %q", member.Name, err, got.Bytes(), want)
			}
		}
	}
}

func TestFloat64sOfLargeIntegers(t *testing.T) {
	if got := mustNew(t, []uint64{1 << 63}, 1).Float64s(); got[0] != 1<<63 {
		t.Errorf("2^63 is %g", got[0])
	}
}

// TestRoundTrip writes random arrays and reads them again, bit for bit.
func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		var shape []int
		n := 1
		for range rng.IntN(5) {
			d := rng.IntN(5)
			shape, n = append(shape, d), n*d
		}
		floats, longs, bytes1 := make([]float32, n), make([]int64, n), make([]uint8, n)
		for i := range n {
			floats[i], longs[i], bytes1[i] = float32(rng.NormFloat64()), rng.Int64()-rng.Int64(), uint8(rng.Uint32())
		}
		want := map[string]Array{
			"layer.0/W": mustNew(t, floats, shape...), "longs": mustNew(t, longs, shape...), "bytes": mustNew(t, bytes1, shape...),
		}
		var file, again bytes.Buffer
		for _, w := range []*bytes.Buffer{&file, &again} {
			if err := WriteNPZ(w, want); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(file.Bytes(), again.Bytes()) {
			t.Fatal("equal arrays give other bytes")
		}
		got := mustUnpack(t, file.Bytes())
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Array{})); diff != "" {
			t.Fatal(diff)
		}
		if ints, err := got["longs"].Int64s(); err != nil || !cmp.Equal(ints, longs) {
			t.Fatalf("longs are %v, %v: want %v", ints, err, longs)
		}
	}
}

func TestNewRefusesOtherShapes(t *testing.T) {
	if _, err := New([]float32{1, 2, 3}, 2, 2); err == nil {
		t.Error("three values with shape 2×2 accepted")
	}
}

func TestInt64sRefuses(t *testing.T) {
	for _, a := range []Array{mustNew(t, []float64{1}, 1), mustNew(t, []uint64{1 << 63}, 1)} {
		if _, err := a.Int64s(); err == nil {
			t.Errorf("%s accepted", a.Type)
		}
	}
}

// file is a .npy file, version 1, with this dictionary and so many bytes of elements.
func file(dictionary string, elements int) []byte {
	head := fmt.Appendf(nil, "%s\x01\x00%c%c%s", magic, 0, 0, dictionary)
	head[len(magic)+2], head[len(magic)+3] = byte(len(dictionary)), byte(len(dictionary)>>8)
	return append(head, make([]byte, elements)...)
}

func dictionary(descr, order, shape string) string {
	return fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n", descr, order, shape)
}

func TestReadRefuses(t *testing.T) {
	whole := readFile(t, "vector.npy")
	for _, test := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty", nil, "not a .npy file"},
		{"text", []byte("a,b,c\n1,2,3\n"), "not a .npy file"},
		{"version", append([]byte(magic), 9, 0, 0, 0), "file version 9"},
		{"cut in the header", whole[:20], "header of"},
		{"cut in the elements", whole[:len(whole)-1], "but 15 bytes follow"},
		{"more", append(whole[:len(whole):len(whole)], 0), "but 17 bytes follow"},
		{"huge header", append([]byte(magic), 2, 0, 255, 255, 255, 255), "header of 4294967295 bytes"},
		{"huge shape", file(dictionary("'<f4'", "False", "(4294967296, 4294967296)"), 4), "but 4 bytes follow"},
		{"overflowing shape", file(dictionary("'<f8'", "False", "(100000000000000, 100000000000000, 100000000000000)"), 8), "but 8 bytes follow"},
		{"shape of 2^64 elements", file(dictionary("'<f4'", "False", "(4294967296, 4294967296)"), 0), "but 0 bytes follow"},
		{"zero and huge", file(dictionary("'<f8'", "False", "(0, 100000000000000)"), 8), "but 8 bytes follow"},
		{"long axis", file(dictionary("'<f4'", "False", "(99999999999999999999,)"), 4), "want at most 64 axes"},
		{"many axes", file(dictionary("'<f4'", "False", "("+strings.Repeat("1,", 65)+")"), 4), "want at most 64 axes"},
		{"negative axis", file(dictionary("'<f4'", "False", "(-1,)"), 4), "damaged at"},
		{"empty axis", file(dictionary("'<f4'", "False", "(1,,1)"), 4), "want at most 64 axes"},
		{"shape no tuple", file(dictionary("'<f4'", "False", "True"), 4), "want a tuple"},
		{"objects", readFile(t, "object.npy"), "elements are '|O'"},
		{"structure", readFile(t, "structure.npy"), "elements are [('a'"},
		{"half", readFile(t, "half.npy"), "elements are '<f2'"},
		{"no byte order", file(dictionary("'|f4'", "False", "(1,)"), 4), "elements are '|f4'"},
		{"no type", file(dictionary("''", "False", "(1,)"), 4), "elements are ''"},
		{"order", file(dictionary("'<f4'", "'C'", "(1,)"), 4), "want True or False"},
		{"twice", file("{'shape': (1,), 'shape': (1,), 'descr': '<f4', 'fortran_order': False}", 4), "two keys shape"},
		{"key missing", file("{'shape': (1,), 'descr': '<f4'}", 4), "other keys"},
		{"no dictionary", file("[1]", 4), "not a dictionary"},
		{"code", file("{'descr': __import__('os').system('ls'), 'fortran_order': False, 'shape': (1,)}", 4), "damaged at"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := decode(test.content)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v: want one with %q", err, test.want)
			}
		})
	}
}

// archiveOf is a zip archive with these members, packed.
func archiveOf(t testing.TB, members ...[2]string) []byte {
	t.Helper()
	var content bytes.Buffer
	w := zip.NewWriter(&content)
	for _, m := range members {
		member, err := w.Create(m[0])
		if err == nil {
			_, err = io.WriteString(member, m[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

func TestReadNPZRefuses(t *testing.T) {
	good := string(file(dictionary("'<f4'", "False", "(1,)"), 4))
	whole := archiveOf(t, [2]string{"a.npy", good})
	flipped := bytes.Clone(readFile(t, "types.npz"))
	flipped[bytes.Index(flipped, []byte("NUMPY"))+130] ^= 1
	for _, test := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty", nil, "not a .npz file"},
		{"cut short", whole[:len(whole)-10], "not a .npz file"},
		{"not an array", archiveOf(t, [2]string{"a.npy", "hello"}), `member "a.npy": not a .npy file`},
		{"other name", archiveOf(t, [2]string{"../a", good}), "want only names that end with .npy"},
		{"duplicate", archiveOf(t, [2]string{"a.npy", good}, [2]string{"a.npy", good}), "two members"},
		{"bomb", archiveOf(t, [2]string{"a.npy", string(file(dictionary("'|u1'", "False", "(100000000,)"), 100e6))}), "unpacks to more than"},
		{"many bombs", archiveOf(t, [2]string{"a.npy", string(file(dictionary("'|u1'", "False", "(20000000,)"), 20e6))},
			[2]string{"b.npy", string(file(dictionary("'|u1'", "False", "(20000000,)"), 20e6))}), "unpacks to more than"},
		{"checksum", flipped, "checksum error"},
		{"huge shape", archiveOf(t, [2]string{"a.npy", string(file(dictionary("'<f4'", "False", "(1000000, 1000000)"), 4))}), "but 4 bytes follow"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := unpack(test.content)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v: want one with %q", err, test.want)
			}
		})
	}
}

// TestReadNPZOnly reads what is asked for, whatever the rest is.
func TestReadNPZOnly(t *testing.T) {
	good := string(file(dictionary("'<f4'", "False", "(1,)"), 4))
	content := archiveOf(t, [2]string{"a.npy", good}, [2]string{"names.npy", string(readFile(t, "object.npy"))}, [2]string{"readme", "hello"})
	arrays, err := ReadNPZ(bytes.NewReader(content), int64(len(content)), "a", "b")
	if err != nil || len(arrays) != 1 || arrays["a"].Len() != 1 {
		t.Errorf("%v, %v: want a alone", arrays, err)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"vector.npy", "object.npy", "structure.npy", "half.npy"} {
		f.Add(readFile(f, name))
	}
	f.Add(file(dictionary("'>f4'", "True", "(2, 3)"), 24))
	f.Fuzz(func(t *testing.T, content []byte) {
		if a, err := decode(content); err == nil {
			checkAgain(t, a)
		}
	})
}

func FuzzReadNPZ(f *testing.F) {
	f.Add(readFile(f, "types.npz"))
	f.Add(readFile(f, "packed.npz"))
	f.Fuzz(func(t *testing.T, content []byte) {
		arrays, err := unpack(content)
		if err != nil {
			return
		}
		for _, a := range arrays {
			checkAgain(t, a)
		}
	})
}

// checkAgain wants that an array is written, and read as it was.
func checkAgain(t *testing.T, a Array) {
	var content bytes.Buffer
	if err := Write(&content, a); err != nil {
		t.Fatal(err)
	}
	again, err := decode(content.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, again, cmp.AllowUnexported(Array{})); diff != "" {
		t.Fatal(diff)
	}
	if got := len(a.Float32s()); got != a.Len() {
		t.Fatalf("%d values: want %d", got, a.Len())
	}
}
