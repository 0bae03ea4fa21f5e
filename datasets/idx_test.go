package datasets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// idxBytes is an IDX file with bytes 0, 1, 2 … as data.
func idxBytes(magic uint32, dims []int, data int) []byte {
	out := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		out = binary.BigEndian.AppendUint32(out, uint32(d))
	}
	for i := range data {
		out = append(out, byte(i))
	}
	return out
}

func pack(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func sumHex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func TestReadIDX(t *testing.T) {
	dims := []int{3, 2, 2}
	good := idxBytes(0x0803, dims, 12)
	packedGood := pack(t, good)
	flipped := bytes.Clone(packedGood)
	flipped[len(flipped)-6] ^= 1 // in the CRC
	cases := []struct {
		name string
		file string
		data []byte
		want string // in the error; "" for success
	}{
		{"good", "a", good, ""},
		{"good, packed", "a.gz", packedGood, ""},
		{"wrong magic", "a", idxBytes(0x0801, dims, 12), "magic number 0x00000801: want 0x00000803"},
		{"wrong magic, packed", "a.gz", pack(t, idxBytes(0x0D03, dims, 12)), "magic number"},
		{"wrong count", "a", idxBytes(0x0803, []int{4, 2, 2}, 16), "dimensions [4 2 2]: want [3 2 2]"},
		{"wrong side", "a", idxBytes(0x0803, []int{3, 2, 3}, 18), "dimensions [3 2 3]"},
		{"empty", "a", nil, "ends within the IDX header"},
		{"cut in the header", "a", good[:7], "ends within the IDX header of 16 bytes"},
		{"cut before the items", "a", good[:17], "1 bytes after the header: want 12"},
		{"cut in the items", "a", good[:23], "7 bytes after the header: want 12"},
		{"cut after the items", "a", good[:26], "10 bytes after the header: want 12"},
		{"trailing byte", "a", append(bytes.Clone(good), 0), "more than 12 bytes after the header"},
		{"trailing byte, packed", "a.gz", pack(t, append(bytes.Clone(good), 0)), "more than 12 bytes after the header"},
		{"not packed", "a.gz", good, "damaged or cut short"},
		{"packed, cut", "a.gz", packedGood[:len(packedGood)-9], "damaged or cut short"},
		{"packed, wrong CRC", "a.gz", flipped, "damaged or cut short"},
		{"packed, rubbish after it", "a.gz", append(bytes.Clone(packedGood), 'x'), "damaged or cut short"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			f := file{name: "a.gz", dims: dims, sha256: sumHex(c.data), unpackedSHA256: sumHex(c.data)}
			got, err := readIDX(path, f, 1, 2)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
					t.Fatalf("error %v, want one with %q and the path", err, c.want)
				}
				return
			}
			if err != nil || !slices.Equal(got, []uint8{4, 5, 6, 7}) {
				t.Fatalf("item 1 is %v (%v), want [4 5 6 7]", got, err)
			}
			f.sha256, f.unpackedSHA256 = "00", "00"
			if _, err := readIDX(path, f, 1, 2); err == nil || !strings.Contains(err.Error(), "not the published file") {
				t.Fatalf("another file of the same form: error %v", err)
			}
		})
	}
}

// endless is what a small packed file may hold.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestIDXIsReadNoFurtherThanItsHeaderSays(t *testing.T) {
	dims := []int{3, 2, 2}
	r := io.MultiReader(bytes.NewReader(idxBytes(0x0803, dims, 0)), endless{})
	if _, err := decodeIDX(r, dims, 1, 2); err == nil || !strings.Contains(err.Error(), "more than 12 bytes after the header") {
		t.Errorf("error %v", err)
	}
}

func FuzzDecodeIDX(f *testing.F) {
	dims := []int{3, 2, 2}
	good := idxBytes(0x0803, dims, 12)
	f.Add(good, false)
	f.Add(pack(f, good), true)
	f.Add(good[:20], false)
	f.Fuzz(func(t *testing.T, data []byte, packed bool) {
		items, err := decodeFile(bytes.NewReader(data), packed, dims, 1, 3)
		if err != nil {
			return
		}
		if len(items) != 8 {
			t.Fatalf("%d bytes for two items of four", len(items))
		}
		if !packed && !(len(data) == len(good) && bytes.Equal(data[:16], good[:16]) && bytes.Equal(items, data[20:])) {
			t.Fatalf("accepted %x as %x", data, items)
		}
	})
}
