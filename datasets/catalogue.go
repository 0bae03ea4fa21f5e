package datasets

import (
	"fmt"
	"strings"
)

// All sets of the catalogue hold images of this form.
const (
	side    = 28
	dim     = side * side
	classes = 10
)

// entry is what is known of a data set before any file is read.
type entry struct {
	name    string
	origin  string // one line for people
	size    [2]int // samples per Split
	files   []file // training images and labels, test images and labels; none if the program draws the set
	mirrors []string
}

// file is one published IDX file.
type file struct {
	name        string // as published, with .gz
	bytes       int64  // packed
	md5         string // of the packed file, as published
	unpackedMD5 string
	dims        []int // what its IDX header must say
}

// Names lists the data sets that Open knows.
func Names() []string {
	var names []string
	for _, e := range catalogue() {
		names = append(names, e.name)
	}
	return names
}

func catalogue() []entry {
	size := [2]int{60000, 10000}
	return []entry{
		{
			name:   "digits",
			origin: "pen-drawn digits, made by this program; nothing to download",
			size:   size,
		},
		{
			name:   "mnist",
			origin: "handwritten digits; LeCun, Cortes and Burges, 1998",
			size:   size,
			files: idxFiles(size, [4]file{
				{bytes: 9912422, md5: "f68b3c2dcbeaaa9fbdd348bbdeb94873", unpackedMD5: "6bbc9ace898e44ae57da46a324031adb"},
				{bytes: 28881, md5: "d53e105ee54ea40749a09fcbcd1e9432", unpackedMD5: "a25bea736e30d166cdddb491f175f624"},
				{bytes: 1648877, md5: "9fb629c4189551a2d022fa330f9573f3", unpackedMD5: "2646ac647ad5339dbf082846283269ea"},
				{bytes: 4542, md5: "ec29112dd5afa0611ce80d1b7f02629c", unpackedMD5: "27ae3e4e09519cfbb04c329615203637"},
			}),
			mirrors: []string{
				"https://ossci-datasets.s3.amazonaws.com/mnist/",
				"https://storage.googleapis.com/cvdf-datasets/mnist/",
			},
		},
		{
			name:   "fashion-mnist",
			origin: "articles of clothing; Xiao, Rasul and Vollgraf (Zalando Research), 2017, MIT licence",
			size:   size,
			files: idxFiles(size, [4]file{
				{bytes: 26421880, md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d", unpackedMD5: "f4a8712d7a061bf5bd6d2ca38dc4d50a"},
				{bytes: 29515, md5: "25c81989df183df01b3e8a0aad5dffbe", unpackedMD5: "9018921c3c673c538a1fc5bad174d6f9"},
				{bytes: 4422102, md5: "bef4ecab320f06d8554ea6380940ec79", unpackedMD5: "8181f5470baa50b63fa0f6fddb340f0a"},
				{bytes: 5148, md5: "bb300cfdad3c16e7a12a480ee83cd310", unpackedMD5: "15d484375f8d13e6eb1aabb0c3f46965"},
			}),
			mirrors: []string{
				"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
				"https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
			},
		},
	}
}

// idxFiles completes the four files with the names and dimensions that all MNIST-like sets share.
func idxFiles(size [2]int, files [4]file) []file {
	for split, prefix := range []string{Train: "train", Test: "t10k"} {
		images, labels := &files[2*split], &files[2*split+1]
		images.name, images.dims = prefix+"-images-idx3-ubyte.gz", []int{size[split], side, side}
		labels.name, labels.dims = prefix+"-labels-idx1-ubyte.gz", []int{size[split]}
	}
	return files[:]
}

func lookUp(name string) (entry, error) {
	for _, e := range catalogue() {
		if e.name == name {
			return e, nil
		}
	}
	return entry{}, fmt.Errorf("datasets: no data set %q: want one of %s", name, strings.Join(Names(), ", "))
}

// drawn says whether the program makes the set by itself.
func (e entry) drawn() bool { return len(e.files) == 0 }

func (f file) unpackedName() string { return strings.TrimSuffix(f.name, ".gz") }

// wantMD5 is the checksum that the file at path must have, which may be packed or unpacked.
func (f file) wantMD5(path string) string {
	if packed(path) {
		return f.md5
	}
	return f.unpackedMD5
}

func packed(path string) bool { return strings.HasSuffix(path, ".gz") }
