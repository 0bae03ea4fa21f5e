package tune

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hepex/harness/atomicfile"
	"hepex/inference"
	"hepex/packing"
)

// CachedPrices measures prices once per machine, kernels and class of parameters, and keeps them in a folder, as rates. A file
// that is no file of prices, or not whole, is written again. With again set, nothing is taken from the folder.
//
// Each class is measured, or read, in a moment of its own, and machines have slow moments. So all prices are divided by what
// a transform took in their moment and multiplied by what it took once, at first: whatever one Pricer prices can be
// compared, and it never has two prices for one thing.
func CachedPrices(dir, cpu string, again bool) Pricer {
	c := &priceCache{dir: dir, cpu: cpu, again: again, rates: map[string]inference.Rates{}}
	return c.price
}

type priceCache struct {
	dir, cpu string
	again    bool

	mu    sync.Mutex
	speed float64                    // what transforms take here, in nominal ones; 0 is not known yet
	rates map[string]inference.Rates // by key, at that speed
}

// price gives the prices of a parameter set for some work.
func (c *priceCache) price(p inference.Parameters, w inference.Work) (*inference.Priced, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.speed == 0 {
		c.speed = medianReference(p) / p.Literal.NominalTransform()
	}
	key := priceKey(p, c.cpu)
	path := filepath.Join(c.dir, key+".json")
	have := c.rates[key]
	if have == nil {
		stored, err := readPrices(path)
		switch {
		case c.again || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errPrices):
			have = inference.Rates{}
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrFolder, err)
		default:
			have = stored
			have.Scale(c.speed)
		}
		c.rates[key] = have
	}
	if missing := have.Missing(w); len(missing.Counts) > 0 {
		more, err := c.measure(p, missing)
		if err != nil {
			return nil, err
		}
		have.Add(more)
		if err := writePrices(path, have, c.speed); err != nil {
			return nil, err
		}
	}
	priced := have.Priced(p.Literal, w)
	priced.Reference *= c.speed
	return priced, nil
}

// measure gives rates at the speed of the cache. The moment's speed is the median of those before, in and after it.
func (c *priceCache) measure(p inference.Parameters, w inference.Work) (inference.Rates, error) {
	before := inference.TimeReference(p)
	measured, err := inference.MeasurePrices(p, w)
	if err != nil {
		return nil, err
	}
	moments := []float64{before, measured.Reference, inference.TimeReference(p)}
	slices.Sort(moments)
	r := measured.Rates(p.Literal, w)
	r.Scale(c.speed * p.Literal.NominalTransform() / moments[1])
	return r, nil
}

// medianReference times the reference three times, a little apart.
func medianReference(p inference.Parameters) float64 {
	var t [3]float64
	for i := range t {
		t[i] = inference.TimeReference(p)
		time.Sleep(20 * time.Millisecond)
	}
	slices.Sort(t[:])
	return t[1]
}

// pricing is raised whenever prices are measured or kept otherwise.
const pricing = 6

// priceKey names what rates depend on.
func priceKey(p inference.Parameters, cpu string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s %s %s", pricing, inference.Version, cpu, inference.Kernels(), p.Literal.PriceClass()))
	return fmt.Sprintf("%x", sum[:8])
}

// errPrices means that a file does not hold prices.
var errPrices = errors.New("not a file of prices")

// ErrFolder means that prices cannot be kept: nothing is wrong with what was to be priced.
var ErrFolder = errors.New("tune: the folder of prices cannot be used")

// file is what is kept: rates on a machine whose transforms take as long as nominal ones.
type file struct {
	Rates  []line `json:"rates"`
	SHA256 string `json:"sha256,omitempty"` // of the file without this field
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

// line is one rate.
type line struct {
	Op    packing.Op `json:"op"`
	Level int        `json:"level"`
	inference.Scene
	Ours  float64 `json:"of_nominal"`
	Floor float64 `json:"floor_seconds"`
}

// readPrices gives rates at nominal speed.
func readPrices(path string) (inference.Rates, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f file
	if json.Unmarshal(text, &f) != nil || len(f.Rates) == 0 {
		return nil, errPrices
	}
	if whole, err := f.encode(); err != nil || !bytes.Equal(text, whole) {
		return nil, errPrices
	}
	r := inference.Rates{}
	for _, l := range f.Rates {
		r[inference.Case{At: packing.At{Op: l.Op, Level: l.Level}, Scene: l.Scene}] = inference.Rate{Ours: l.Ours, Floor: l.Floor}
	}
	return r, nil
}

// writePrices keeps rates that are those of a machine at some speed.
func writePrices(path string, r inference.Rates, speed float64) error {
	var lines []line
	for c, rate := range r {
		lines = append(lines, line{c.Op, c.Level, c.Scene, rate.Ours / speed, rate.Floor / speed})
	}
	slices.SortFunc(lines, func(a, b line) int {
		return cmp.Or(int(a.Op)-int(b.Op), a.Level-b.Level, strings.Compare(fmt.Sprint(a.Scene), fmt.Sprint(b.Scene)))
	})
	text, err := file{Rates: lines}.encode()
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, text); err != nil {
		return fmt.Errorf("%w: %w", ErrFolder, err)
	}
	return nil
}
