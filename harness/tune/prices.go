package tune

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hepex/harness/atomicfile"
	"hepex/harness/machine"
	"hepex/inference"
	"hepex/packing"
)

// CachedPrices measures prices once per machine, kernels and class of parameters, and keeps them in a folder, as rates. A file
// that is no file of prices, or not whole, is written again.
//
// A Pricer has one price for one thing, however often it is asked for. What was measured while other processes were
// busy, who take memory's bandwidth and not only time, serves until a later Pricer has a quieter moment; Priced.Beside tells. Whoever
// shares a core with a virtual machine comes and goes within a tenth of a second, more often than prices are measured: prices are not put
// in proportion to a transform of the same moment, which would meet another of his moments, and less or more of what he keeps busy.
func CachedPrices(dir, cpu string) Pricer {
	others := func() func() float64 { return machine.WatchOthers("/") }
	return newPriceCache(dir, cpu, others).price
}

func newPriceCache(dir, cpu string, others func() func() float64) *priceCache {
	return &priceCache{dir: dir, cpu: cpu, others: others, rates: map[string]inference.Rates{}, doubtful: map[string]inference.Rates{}}
}

type priceCache struct {
	dir, cpu string
	others   func() func() float64 // machine.WatchOthers

	mu       sync.Mutex
	rates    map[string]inference.Rates // by key
	doubtful map[string]inference.Rates // what the folder has of a key that was measured beside others, likewise
}

// quiet is the share of the cores that others may keep busy while prices are measured.
const quiet = 0.125

// Noting has the pricer tell, once, when prices were measured beside so much other work that they may be too high.
func (price Pricer) Noting(tell func(format string, args ...any)) Pricer {
	told := false
	return func(p inference.Parameters, w inference.Work) (*inference.Priced, error) {
		prices, err := price(p, w)
		if err == nil && prices.Beside > quiet && !told {
			told = true
			tell("prices of this machine were measured while other processes kept %.0f %% of its cores busy: times may be a fifth too high; "+
				"they are measured again when it is quiet", 100*prices.Beside)
		}
		return prices, err
	}
}

// price gives the prices of a parameter set for some work.
func (c *priceCache) price(p inference.Parameters, w inference.Work) (*inference.Priced, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := priceKey(p, c.cpu)
	path := filepath.Join(c.dir, key+".json")
	if c.rates[key] == nil {
		if err := c.read(key, path); err != nil {
			return nil, err
		}
	}
	have, doubtful := c.rates[key], c.doubtful[key]
	missing := have.Missing(w)
	if serve := doubtful.Of(missing); len(serve) > 0 && !c.isQuiet() { // nothing better is to be had
		have.Add(serve)
		missing = have.Missing(w)
	}
	if len(missing.Counts) > 0 {
		more, err := c.measure(p, missing)
		if err != nil {
			return nil, err
		}
		more.Quieter(doubtful)
		have.Add(more)
		if err := c.write(path, have); err != nil {
			return nil, err
		}
	}
	return have.Priced(p.Literal, w), nil
}

// read takes from the folder what it has of a key.
func (c *priceCache) read(key, path string) error {
	c.rates[key], c.doubtful[key] = inference.Rates{}, inference.Rates{}
	stored, err := readPrices(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errPrices) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFolder, err)
	}
	for of, rate := range stored {
		if rate.Beside > quiet {
			c.doubtful[key][of] = rate
		} else {
			c.rates[key][of] = rate
		}
	}
	return nil
}

// write keeps rates in the folder, beside those of other processes, and none in the place of one that was measured in a quieter moment.
func (c *priceCache) write(path string, rates inference.Rates) error {
	all := maps.Clone(rates)
	if stored, err := readPrices(path); err == nil {
		all.Quieter(stored)
		all.Add(stored)
	}
	return writePrices(path, all)
}

// isQuiet looks around for long enough that the kernel's ticks tell.
func (c *priceCache) isQuiet() bool {
	others := c.others()
	time.Sleep(200 * time.Millisecond)
	return others() <= quiet
}

// measure gives rates, and beside what they were measured.
func (c *priceCache) measure(p inference.Parameters, w inference.Work) (inference.Rates, error) {
	others := c.others()
	measured, err := inference.MeasurePrices(p, w)
	if err != nil {
		return nil, err
	}
	measured.Beside = others()
	return measured.Rates(p.Literal, w), nil
}

// pricing is raised whenever prices are measured or kept otherwise.
const pricing = 14

// priceKey names what rates depend on.
func priceKey(p inference.Parameters, cpu string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s %s %s", pricing, inference.Version, cpu, inference.Kernels(), p.Literal.PriceClass()))
	return fmt.Sprintf("%x", sum[:8])
}

// errPrices means that a file does not hold prices.
var errPrices = errors.New("not a file of prices")

// ErrFolder means that prices cannot be kept: nothing is wrong with what was to be priced.
var ErrFolder = errors.New("tune: the folder of prices cannot be used")

// file is what is kept.
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
	Ours   float64 `json:"of_nominal"`
	Floor  float64 `json:"floor_seconds"`
	Beside float64 `json:"beside,omitempty"`
}

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
		r[inference.Case{At: packing.At{Op: l.Op, Level: l.Level}, Scene: l.Scene}] = inference.Rate{Ours: l.Ours, Floor: l.Floor, Beside: l.Beside}
	}
	return r, nil
}

func writePrices(path string, r inference.Rates) error {
	var lines []line
	for c, rate := range r {
		lines = append(lines, line{c.Op, c.Level, c.Scene, rate.Ours, rate.Floor, rate.Beside})
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
