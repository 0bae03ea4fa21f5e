package tune

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"hepex/harness/atomicfile"
	"hepex/inference"
	"hepex/packing"
)

// CachedPrices measures prices once per machine, kernels, ring and number of special moduli, and keeps them in a folder: what a
// primitive costs at a level hardly depends on the size of the moduli. What is kept is scaled to the speed of the machine
// at the time of use. A file that is no file of prices, or not whole, is written
// again. With again set, nothing is taken from the folder.
func CachedPrices(dir, cpu string, again bool) Pricer {
	return func(p inference.Parameters, counts packing.Counts) (*inference.Priced, error) {
		path := filepath.Join(dir, priceKey(p, cpu)+".json")
		have, err := readPrices(path)
		if again || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errPrices) {
			have = &inference.Priced{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}}
		} else if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFolder, err)
		} else {
			have = have.Scaled(inference.TimeReference(p))
		}
		missing := packing.Counts{}
		for at, n := range counts {
			if _, ok := have.Ours[at]; !ok {
				missing[at] = n
			}
		}
		if len(missing) == 0 {
			return have, nil
		}
		measured, err := inference.MeasurePrices(p, missing)
		if err != nil {
			return nil, err
		}
		have.Reference = measured.Reference
		maps.Copy(have.Ours, measured.Ours)
		maps.Copy(have.Floor, measured.Floor)
		return have, writePrices(path, have)
	}
}

// pricing is raised whenever prices are measured otherwise.
const pricing = 2

// priceKey names what prices depend on.
func priceKey(p inference.Parameters, cpu string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s %s %s %d %d", pricing, inference.Version, cpu, inference.Kernels(), p.Literal.Ring, p.Literal.LogN, len(p.Literal.LogP)))
	return fmt.Sprintf("%x", sum[:8])
}

// errPrices means that a file does not hold prices.
var errPrices = errors.New("not a file of prices")

// ErrFolder means that prices cannot be kept: nothing is wrong with what was to be priced.
var ErrFolder = errors.New("tune: the folder of prices cannot be used")

// file is what is kept.
type file struct {
	Reference float64 `json:"reference_s"`
	Prices    []line  `json:"prices"`
	SHA256    string  `json:"sha256,omitempty"` // of the file without this field
}

// encode gives the text of a file with its checksum.
func (f file) encode() ([]byte, error) {
	f.SHA256 = ""
	bare, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, fmt.Errorf("tune: prices: %w", err)
	}
	f.SHA256 = fmt.Sprintf("%x", sha256.Sum256(bare))
	return json.MarshalIndent(f, "", " ")
}

// line is one price.
type line struct {
	Op    packing.Op `json:"op"`
	Level int        `json:"level"`
	Ours  float64    `json:"seconds"`
	Floor float64    `json:"floor_seconds"`
}

func readPrices(path string) (*inference.Priced, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f file
	if json.Unmarshal(text, &f) != nil || len(f.Prices) == 0 || !(f.Reference > 0) {
		return nil, errPrices
	}
	if whole, err := f.encode(); err != nil || !bytes.Equal(text, whole) {
		return nil, errPrices
	}
	p := &inference.Priced{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}, Reference: f.Reference}
	for _, l := range f.Prices {
		at := packing.At{Op: l.Op, Level: l.Level}
		p.Ours[at], p.Floor[at] = l.Ours, l.Floor
	}
	return p, nil
}

func writePrices(path string, p *inference.Priced) error {
	var lines []line
	for at, ours := range p.Ours {
		lines = append(lines, line{at.Op, at.Level, ours, p.Floor[at]})
	}
	slices.SortFunc(lines, func(a, b line) int {
		if a.Op != b.Op {
			return int(a.Op) - int(b.Op)
		}
		return a.Level - b.Level
	})
	text, err := file{Reference: p.Reference, Prices: lines}.encode()
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, text); err != nil {
		return fmt.Errorf("%w: %w", ErrFolder, err)
	}
	return nil
}
