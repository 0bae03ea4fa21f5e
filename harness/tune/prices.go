package tune

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"hepex/harness/atomicfile"
	"hepex/inference"
	"hepex/packing"
)

// CachedPrices measures prices once per machine and parameter set, and keeps them in a folder. A file that cannot be
// read is measured again. With again set, nothing is taken from the folder.
func CachedPrices(dir, cpu string, again bool) Pricer {
	return func(p inference.Parameters, counts packing.Counts) (*inference.Priced, error) {
		path := filepath.Join(dir, priceKey(p, counts, cpu)+".json")
		if !again {
			if prices, err := readPrices(path); err == nil {
				return prices, nil
			} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errPrices) {
				return nil, fmt.Errorf("tune: prices: %w", err)
			}
		}
		prices, err := inference.MeasurePrices(p, counts)
		if err != nil {
			return nil, err
		}
		return prices, writePrices(path, prices)
	}
}

// priceKey names what prices depend on.
func priceKey(p inference.Parameters, counts packing.Counts, cpu string) string {
	var ops []string
	for at := range counts {
		ops = append(ops, fmt.Sprintf("%s@%d", at.Op, at.Level))
	}
	slices.Sort(ops)
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %+v %v", inference.Version, cpu, p.Literal, ops))
	return fmt.Sprintf("%x", sum[:8])
}

// errPrices means that a file does not hold prices.
var errPrices = errors.New("not a file of prices")

// line is one price in a file.
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
	var lines []line
	if json.Unmarshal(text, &lines) != nil || len(lines) == 0 {
		return nil, errPrices
	}
	p := &inference.Priced{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}}
	for _, l := range lines {
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
	text, err := json.MarshalIndent(lines, "", " ")
	if err != nil {
		return fmt.Errorf("tune: prices: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("tune: prices: %w", err)
	}
	return atomicfile.Write(path, text)
}
