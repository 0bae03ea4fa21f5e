package datasets

import (
	"fmt"
	"strings"
)

// The form of the sets that are like MNIST.
const (
	side    = 28
	dim     = side * side
	classes = 10
)

var (
	greyForm  = Form{Shape: Shape{side, side, 1}, Classes: classes, Train: 60000, Test: 10000}
	cifarForm = Form{Shape: Shape{32, 32, 3}, Classes: 10, Train: 50000, Test: 10000}
)

// entry is what is known of a data set before any file is read.
type entry struct {
	name   string
	origin string // one line for people
	Form
	format  format
	files   []file   // of the training split, then of the test split; none if the program draws the set
	mirrors []string // folders with the files or, if there is one, with the archive
	archive *file    // a .tar.gz that holds all the files
}

// format is how the samples of a set are made or read.
type format interface {
	// read gives samples [from,to) of a split: levels 0 to 255, channels last, and classes.
	read(s *Published, split Split, from, to int) (pixels, labels []uint8, err error)
	// checksum identifies all samples.
	checksum(e entry) string
	verify(s *Published) []Check
}

// file is one published file.
type file struct {
	name           string // as published, also with .gz
	split          Split
	bytes          int64  // of the file as published
	md5            string // as published; the sets that are like MNIST are identified by it
	sha256         string // of the file as published
	unpackedSHA256 string // of an IDX file without .gz
	dims           []int  // what the header of an IDX file must say
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
	return []entry{
		{
			name:   "digits",
			origin: "pen-drawn digits, made by this program; nothing to download",
			Form:   greyForm,
			format: digits(),
		},
		{
			name:   "shapes",
			origin: "flat figures in colour, made by this program; nothing to download",
			Form:   shapes().form,
			format: shapes(),
		},
		{
			name:   "mnist",
			origin: "handwritten digits; LeCun, Cortes and Burges, 1998",
			Form:   greyForm,
			format: idx{},
			files: idxFiles(greyForm, [4]file{
				{
					bytes: 9912422, md5: "f68b3c2dcbeaaa9fbdd348bbdeb94873",
					sha256:         "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
					unpackedSHA256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
				},
				{
					bytes: 28881, md5: "d53e105ee54ea40749a09fcbcd1e9432",
					sha256:         "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
					unpackedSHA256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
				},
				{
					bytes: 1648877, md5: "9fb629c4189551a2d022fa330f9573f3",
					sha256:         "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
					unpackedSHA256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
				},
				{
					bytes: 4542, md5: "ec29112dd5afa0611ce80d1b7f02629c",
					sha256:         "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
					unpackedSHA256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
				},
			}),
			mirrors: []string{
				"https://ossci-datasets.s3.amazonaws.com/mnist/",
				"https://storage.googleapis.com/cvdf-datasets/mnist/",
			},
		},
		{
			name:   "fashion-mnist",
			origin: "articles of clothing; Xiao, Rasul and Vollgraf (Zalando Research), 2017, MIT licence",
			Form:   greyForm,
			format: idx{},
			files: idxFiles(greyForm, [4]file{
				{
					bytes: 26421880, md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
					sha256:         "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
					unpackedSHA256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
				},
				{
					bytes: 29515, md5: "25c81989df183df01b3e8a0aad5dffbe",
					sha256:         "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
					unpackedSHA256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
				},
				{
					bytes: 4422102, md5: "bef4ecab320f06d8554ea6380940ec79",
					sha256:         "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
					unpackedSHA256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
				},
				{
					bytes: 5148, md5: "bb300cfdad3c16e7a12a480ee83cd310",
					sha256:         "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
					unpackedSHA256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
				},
			}),
			mirrors: []string{
				"https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
				"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
			},
		},
		{
			name:   "cifar-10",
			origin: "photographs of animals and vehicles; Krizhevsky, 2009 (to be cited)",
			Form:   cifarForm,
			format: records{content: [2]string{
				Train: "55a61f79a40ece2ceda9fb5f9f7078f6ea2fc4952489cef56682bcf92cfcc260",
				Test:  "325704b01eb92e1e2a6215ae6a916bb7db7de054af0c496be1c7be2e0fcfbf5f",
			}},
			files:   recordFiles(cifarForm, 5),
			mirrors: []string{"https://www.cs.toronto.edu/~kriz/"},
			archive: &file{ // published with the MD5 c32a1d4ab5d03f1284b67883e8d87530
				name: "cifar-10-binary.tar.gz", bytes: 170052171,
				sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
			},
		},
	}
}

// idxFiles completes the four files with the names and dimensions that all MNIST-like sets share.
func idxFiles(form Form, files [4]file) []file {
	for split, prefix := range []string{Train: "train", Test: "t10k"} {
		images, labels := &files[2*split], &files[2*split+1]
		images.split, labels.split = Split(split), Split(split)
		n := form.size(Split(split))
		images.name, images.dims = prefix+"-images-idx3-ubyte.gz", []int{n, form.Shape.Height, form.Shape.Width}
		labels.name, labels.dims = prefix+"-labels-idx1-ubyte.gz", []int{n}
	}
	return files[:]
}

// recordFiles are the files of CIFAR-10's binary version: the training samples in so many batches, and one of test samples.
func recordFiles(form Form, batches int) []file {
	size := int64(1 + form.Shape.Size())
	var files []file
	for i := range batches {
		files = append(files, file{name: fmt.Sprintf("data_batch_%d.bin", i+1), split: Train, bytes: int64(form.Train/batches) * size})
	}
	return append(files, file{name: "test_batch.bin", split: Test, bytes: int64(form.Test) * size})
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

// downloads are the files that mirrors have.
func (e entry) downloads() []file {
	if e.archive != nil {
		return []file{*e.archive}
	}
	return e.files
}

// names are those under which the file may lie in a folder: as published, and then packed or unpacked.
func (f file) names() []string {
	if packed(f.name) {
		return []string{f.name, strings.TrimSuffix(f.name, ".gz")}
	}
	return []string{f.name, f.name + ".gz"}
}

func packed(path string) bool { return strings.HasSuffix(path, ".gz") }
