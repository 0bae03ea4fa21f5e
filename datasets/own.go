package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
)

// Files are a data set of one's own: where it lies and how it is to be read. From is one of
//
//   - a .csv file, or a folder with train.csv and test.csv: a line of names, then a sample in each line. Label is the column of classes,
//     Target are the columns of what a regression should give, all others are inputs;
//   - a .npz file, or a folder of .npy files, with the arrays x_train, y_train, x_test and y_test. Arrays gives other names. Integers y
//     are classes, floats what a regression should give;
//   - a folder with IDX files of bytes, named like those of MNIST, or with the binary files of CIFAR-10.
//
// Without a test split, Holdout of the samples become one. Classes are 0, 1, 2 … or, in CSV, names.
type Files struct {
	From     string   `json:"from"`
	Label    string   `json:"label,omitempty"`
	Target   []string `json:"target,omitempty"`
	Arrays   Arrays   `json:"arrays"`
	Channels string   `json:"channels,omitempty"` // of arrays with four axes: first or last
	Scale    string   `json:"scale"`              // one of Scales
	Holdout  float64  `json:"holdout"`            // 0 < Holdout < 1

	Found Found `json:"found"` // what the files must hold; the zero value is for those that have not been read
}

// Arrays are names of arrays.
type Arrays struct {
	XTrain string `json:"x_train"`
	YTrain string `json:"y_train"`
	XTest  string `json:"x_test"`
	YTest  string `json:"y_test"`
}

// DefaultFiles are files that nothing is said of.
func DefaultFiles() Files {
	return Files{Arrays: Arrays{"x_train", "y_train", "x_test", "y_test"}, Scale: ScaleAuto, Holdout: 0.2}
}

// Own is a data set of one's own.
type Own struct {
	About
	sets [2]Set
}

// About is what is to be known of a data set of one's own beside its samples.
type About struct {
	Found
	Format      string   // CSV, NumPy, IDX or CIFAR
	Files       []string // that were read
	Columns     []string // names of inputs; nil if they have none
	Names       []string // of classes; nil if these are numbers
	Counts      []int    // training samples of each class
	HeldOut     bool     // the test split is part of the one split that the files have
	Scaling     Scaling  // of inputs, by channel
	TargetScale Scaling  // of what a regression should give, by value
}

// raw is what files hold, before it is put into order and scaled.
type raw struct {
	format  string
	shape   Shape
	targets int
	bytes   bool     // inputs are levels, 0 to 255
	columns []string // names of inputs
	names   []string // of classes, by the numbers that labels have
	parts   [2]part  // by Split; the second may have no samples at all
	split   bool     // the files have a test split
}

// part is one split of the raw data.
type part struct {
	x      []float32
	labels []int     // nil if there are none
	target []float32 // nil if there are none
	place  func(sample int) string
}

// Load reads files, checks them and scales what they hold. What they must hold, if Found says it, is compared before anything is read.
// Errors name the file and the line or the sample.
func Load(f Files) (*Own, error) {
	own, err := f.load()
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	return own, nil
}

func (f Files) load() (*Own, error) {
	l, sum, err := f.identify()
	if err != nil {
		return nil, err
	}
	data, err := l.read(f)
	if err != nil {
		return nil, err
	}
	own := &Own{About: About{Found: Found{SHA256: sum}, Format: data.format, Files: l.paths(), Columns: data.columns, HeldOut: !data.split}}
	if err := own.divide(data, f); err != nil {
		return nil, err
	}
	if own.Names, own.Counts, err = classify(data); err != nil {
		return nil, err
	}
	for split := range data.parts {
		p := &data.parts[split]
		own.sets[split] = Set{X: p.x, Target: p.target, Dim: data.shape.Size(), Classes: len(own.Counts)}
		for _, label := range p.labels {
			own.sets[split].Labels = append(own.sets[split].Labels, uint8(label))
		}
	}
	own.Form = Form{Shape: data.shape, Classes: len(own.Counts), Targets: data.targets, Train: own.sets[Train].Len(), Test: own.sets[Test].Len()}
	if f.Found.SHA256 != "" && own.Found != f.Found {
		return nil, fmt.Errorf("%s: it holds %v: want %v", f.From, own.Found, f.Found)
	}
	return own, own.scale(data, f.Scale)
}

// identify locates the files and takes their checksum, which must be the one that was found before, if one was.
func (f Files) identify() (l located, sum string, err error) {
	if l, err = f.locate(); err != nil {
		return l, "", err
	}
	if sum, err = checksum(l.paths()); err != nil {
		return l, "", err
	}
	if want := f.Found.SHA256; want != "" && sum != want {
		return l, "", fmt.Errorf("%s: SHA-256 %s: want %s: the files have changed", f.From, sum, want)
	}
	return l, sum, nil
}

// checksum is the SHA-256 of the one file, or of those of all.
func checksum(paths []string) (string, error) {
	var sums strings.Builder
	for _, path := range paths {
		hash := sha256.New()
		file, err := os.Open(path)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(hash, file)
		file.Close()
		if err != nil {
			return "", err
		}
		sum := hex.EncodeToString(hash.Sum(nil))
		if len(paths) == 1 {
			return sum, nil
		}
		fmt.Fprintln(&sums, sum)
	}
	sum := sha256.Sum256([]byte(sums.String()))
	return hex.EncodeToString(sum[:]), nil
}

// divide puts the samples into a random order, which is always the same, as files are often sorted, and holds some out for a test split
// where there is none.
func (o *Own) divide(data *raw, f Files) error {
	train, test := &data.parts[Train], &data.parts[Test]
	n := len(train.x) / data.shape.Size()
	rng := rand.New(rand.NewChaCha8(sha256.Sum256([]byte("hepex order of samples"))))
	order := rng.Perm(n)
	if data.split {
		*train = train.take(order, data)
	} else {
		held := int(float64(n) * f.Holdout)
		*train, *test = train.take(order[:n-held], data), train.take(order[n-held:], data)
	}
	for split, p := range data.parts {
		if len(p.x) == 0 {
			return fmt.Errorf("%s: the %v split has no samples: want at least one (%d samples, of which data.holdout takes %g)", f.From, Split(split), n, f.Holdout)
		}
	}
	return nil
}

// take is those samples of the part, in that order.
func (p part) take(order []int, data *raw) part {
	out := part{place: func(sample int) string { return p.place(order[sample]) }}
	dim := data.shape.Size()
	out.x = make([]float32, 0, len(order)*dim)
	for _, i := range order {
		out.x = append(out.x, p.x[i*dim:(i+1)*dim]...)
		if p.labels != nil {
			out.labels = append(out.labels, p.labels[i])
		}
		if p.target != nil {
			out.target = append(out.target, p.target[i*data.targets:(i+1)*data.targets]...)
		}
	}
	return out
}

// Read gives samples [from,to) of a split.
func (o *Own) Read(split Split, from, to int) (*Set, error) {
	all := o.sets[split]
	if from < 0 || from > to || to > all.Len() {
		return nil, fmt.Errorf("datasets: %v samples [%d,%d): want 0 ≤ from ≤ to ≤ %d", split, from, to, all.Len())
	}
	out := &Set{X: slices.Clone(all.X[from*all.Dim : to*all.Dim]), Dim: all.Dim, Classes: all.Classes}
	if all.Labels != nil {
		out.Labels = slices.Clone(all.Labels[from:to])
	}
	if all.Target != nil {
		out.Target = slices.Clone(all.Target[from*o.Targets : to*o.Targets])
	}
	return out, nil
}

// Form is that which was found; the files must have been read once.
func (f Files) Form() Form { return f.Found.Form }

// Checksum identifies the content of the files and how they are read, wherever they lie.
func (f Files) Checksum() string {
	f.From = ""
	text, err := json.Marshal(struct {
		Version int
		Files   Files
	}{ownVersion, f})
	if err != nil {
		panic(fmt.Sprintf("datasets: %v", err)) // there are texts and numbers only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ownVersion grows when the same files come to give other samples.
const ownVersion = 1

// Read reads the files, which must hold what was found, and gives samples [from,to) of a split. Nothing is kept in memory.
func (f Files) Read(split Split, from, to int) (*Set, error) {
	own, err := Load(f)
	if err != nil {
		return nil, err
	}
	return own.Read(split, from, to)
}

// Verify tells whether the files still hold what was found.
func (f Files) Verify() error {
	if _, _, err := f.identify(); err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	return nil
}
