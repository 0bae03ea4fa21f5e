package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"hepex/datasets"
	"hepex/harness/config"
	"hepex/network"
	"hepex/pruning"
)

// prepared is a trained and pruned network with its plain quality.
type prepared struct {
	key      entryKey
	state    *pruning.State
	straight []int // layers whose quadratic died out and is linear now
	quality  plainQuality
	seconds  float64 // that training took, when it was done
}

type plainQuality struct {
	Metric     string  `json:"metric"`
	Test       float64 `json:"test"`
	Validation float64 `json:"validation"`
	Validated  int     `json:"validated"` // samples of the validation split
	Chance     float64 `json:"chance"`    // what a guess reaches on them
	Margin     float64 `json:"margin"`    // between the two largest outputs, median over the test samples
}

// preparer runs schemes on one data set and cache.
type preparer struct {
	spec    config.Spec
	source  datasets.Source
	samples samples
	cache   cache
	report  func(Step)
}

func newPreparer(j Job, report func(Step)) (*preparer, error) {
	source, err := j.Spec.Data.Open(j.DataDirs)
	if err != nil {
		return nil, err
	}
	if report == nil {
		report = func(Step) {}
	}
	if random := j.Spec.Data.Random; j.Spec.Data.IsRandom() {
		m, err := readModel(j.Spec, random.Form())
		if err != nil {
			return nil, err
		}
		source = answered{random, m.Forward}
	}
	return &preparer{j.Spec, source, openSamples(j.Spec, source), cache{j.CacheDir}, report}, nil
}

// Prepare trains and prunes the network of a point, and the dense one of the same training budget that it is
// compared with, unless the cache has them.
func Prepare(j Job, report func(Step)) error {
	p, err := newPreparer(j, report)
	if err != nil {
		return err
	}
	var own *prepared
	for _, o := range []pruning.Options{p.reference(), pruningOptions(j.Spec)} {
		if own, err = p.run(o); err != nil {
			return err
		}
	}
	if p.hasOriginal() {
		if _, err := p.original(); err != nil {
			return err
		}
	}
	if j.Spec.Measure.Encrypted {
		_, err = p.values(own)
	}
	return err
}

// Prepared tells whether the cache has all that Measure needs.
func Prepared(j Job) (bool, error) {
	p, err := newPreparer(j, nil)
	if err != nil {
		return false, err
	}
	for i, o := range []pruning.Options{p.reference(), pruningOptions(j.Spec)} {
		key, _, err := p.keys(o)
		if err != nil {
			return false, err
		}
		wanted := []entryKey{key, qualityKey(key, p.spec)}
		if i > 0 && j.Spec.Measure.Encrypted {
			wanted = append(wanted, valuesKey(key, p.spec))
		}
		if p.hasOriginal() {
			wanted = append(wanted, p.originalKey())
		}
		for _, k := range wanted {
			if _, ok, err := p.cache.get(k); !ok || err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// Trainings names what a point has yet to train, on the way to its own network or to the unpruned one that it is compared with: of points that
// have a training in common one does it, and the others wait.
func Trainings(j Job) (names []string, err error) {
	p, err := newPreparer(j, nil)
	if err != nil {
		return nil, err
	}
	for _, o := range []pruning.Options{p.reference(), pruningOptions(j.Spec)} {
		_, after, err := p.keys(o)
		if err != nil {
			return nil, err
		}
		steps, err := o.Steps()
		if err != nil {
			return nil, err
		}
		for i := len(steps) - 1; i >= 0; i-- {
			if _, ok, err := p.cache.get(after[i]); err != nil {
				return nil, err
			} else if ok { // training goes on from here
				break
			}
			if name := after[i].String(); trains(steps[i]) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// reference is the unpruned network, trained for as many epochs.
func (p *preparer) reference() pruning.Options {
	o := pruningOptions(p.spec)
	o.Scheme = "dense"
	return o
}

// keys gives the cache key of the final state and of the state after each step: the hash of the data and
// network to begin with and of every step so far, so that schemes share what they have in common.
func (p *preparer) keys(o pruning.Options) (final entryKey, after []entryKey, err error) {
	steps, err := o.Steps()
	if err != nil {
		return entryKey{}, nil, err
	}
	s := p.spec
	final = newKey(network.Version, pruning.Version, p.source.Checksum(), s.Data.Train, s.Data.Validation,
		s.Architecture(p.source.Form()), s.Train.Seed)
	if network.BLAS != "gonum" {
		final = newKey(final.String(), network.BLAS)
	}
	if s.Network.From != "" {
		final = newKey(final.String(), "from", s.Network.Imported.SHA256, s.Network.Tensors, s.Network.Replaces())
	}
	if s.Data.Noise != 0 {
		final = newKey(final.String(), "noise", s.Data.Noise)
	}
	for _, step := range steps {
		final = newKey(final.String(), step.String())
		after = append(after, final)
	}
	return final, after, nil
}

// qualityKey adds what the quality depends on beyond the network. Noise in the samples is in the network's key.
func qualityKey(final entryKey, s config.Spec) entryKey {
	return newKey(final.String(), "quality, chance and margin", s.Data.Test, s.Network.Type)
}

// entry is what the cache holds of a state.
type entry struct {
	Seconds float64 `json:"seconds"`
	State   []byte  `json:"state"`
}

// run takes the options' scheme from the last step that the cache knows to its end.
func (p *preparer) run(o pruning.Options) (*prepared, error) {
	final, after, err := p.keys(o)
	if err != nil {
		return nil, err
	}
	steps, err := o.Steps()
	if err != nil {
		return nil, err
	}
	out, next, err := p.resume(after)
	if err != nil {
		return nil, err
	}
	for i := next; i < len(steps); i++ {
		p.report(Step{Name: stepName(o, steps[i]), Done: float64(i) / float64(len(steps))})
		if out, err = p.do(steps[i], after[i], out, i == len(steps)-1); err != nil {
			return nil, err
		}
	}
	out.key, out.straight = final, out.state.Net.Straighten()
	out.quality, err = p.measureQuality(final, out.state.Net)
	return out, err
}

// do applies a step, unless another process did so meanwhile, and stores what comes out if it took long or is the end.
func (p *preparer) do(step pruning.Step, after entryKey, out *prepared, last bool) (*prepared, error) {
	keep := trains(step) || last
	if keep {
		unlock, err := p.cache.lock(after)
		if err != nil {
			return nil, err
		}
		defer unlock()
		if other, ok, err := p.load(after); ok || err != nil {
			return other, err
		}
	}
	start := time.Now()
	data := pruning.Data{Train: p.samples.train.all, Validation: p.samples.validation.all}
	if err := step.Apply(out.state, data); errors.Is(err, network.ErrDiverged) {
		return nil, &Failure{KindNaN, fmt.Errorf("trial: %s: %w; a lower train.lr may help", step, err)}
	} else if err != nil {
		return nil, fmt.Errorf("trial: %s: %w", step, err)
	}
	out.seconds += time.Since(start).Seconds()
	if !keep {
		return out, nil
	}
	return out, p.store(after, out)
}

// beforeExpansion is the network that the last expansion of a scheme found, or nil if it has none or the cache has lost the
// training before it. What comes between is done again.
func (p *preparer) beforeExpansion(o pruning.Options) (*network.Network, error) {
	steps, err := o.Steps()
	if err != nil {
		return nil, err
	}
	_, after, err := p.keys(o)
	if err != nil {
		return nil, err
	}
	last := -1
	for i, step := range steps {
		if _, ok := step.(pruning.Expand); ok {
			last = i
		}
	}
	if last < 0 {
		return nil, nil
	}
	out, next, err := p.resume(after[:last])
	for i := next; i < last && err == nil; i++ {
		if trains(steps[i]) { // measuring never does
			return nil, nil
		}
		out, err = p.do(steps[i], after[i], out, false)
	}
	if err != nil {
		return nil, err
	}
	return out.state.Net, nil
}

func stepName(o pruning.Options, s pruning.Step) string {
	what := "prune "
	if _, ok := s.(pruning.Permute); ok {
		what = "permute "
	} else if trains(s) {
		what = "train "
	}
	return what + o.Scheme
}

// trains tells whether a step takes so long that what comes out is worth keeping.
func trains(s pruning.Step) bool {
	_, ok := training(s)
	return ok
}

// resume loads the latest state that the cache has and says which step comes next.
func (p *preparer) resume(after []entryKey) (*prepared, int, error) {
	for i := len(after) - 1; i >= 0; i-- {
		out, ok, err := p.load(after[i])
		if ok || err != nil {
			return out, i + 1, err
		}
	}
	net, err := p.begin()
	if err != nil {
		return nil, 0, err
	}
	return &prepared{state: &pruning.State{Net: net}}, 0, nil
}

func (p *preparer) load(k entryKey) (*prepared, bool, error) {
	content, ok, err := p.cache.get(k)
	if !ok || err != nil {
		return nil, false, err
	}
	var e entry
	out := &prepared{state: &pruning.State{}}
	if err := json.Unmarshal(content, &e); err != nil {
		return nil, false, nil
	}
	if _, err := out.state.ReadFrom(bytes.NewReader(e.State)); err != nil {
		return nil, false, nil
	}
	out.seconds = e.Seconds
	return out, true, nil
}

func (p *preparer) store(k entryKey, out *prepared) error {
	var state bytes.Buffer
	if _, err := out.state.WriteTo(&state); err != nil {
		return err
	}
	content, err := json.Marshal(entry{out.seconds, state.Bytes()})
	if err != nil {
		return fmt.Errorf("trial: %w", err)
	}
	return p.cache.put(k, content)
}

// measureQuality evaluates the plain network on the test and the validation samples, unless the cache knows.
func (p *preparer) measureQuality(final entryKey, net *network.Network) (plainQuality, error) {
	return remember(p.cache, qualityKey(final, p.spec), func() (q plainQuality, err error) {
		for _, m := range []struct {
			part  part
			value *float64
		}{{p.samples.validation, &q.Validation}, {p.samples.test, &q.Test}} {
			d, err := m.part.all()
			if err != nil {
				return q, err
			}
			got, err := network.Evaluate(net, d)
			if errors.Is(err, network.ErrOverflow) {
				err = &Failure{KindNaN, err}
			}
			if err != nil {
				return q, err
			}
			q.Metric, *m.value, q.Margin = got.Metric, got.Value, got.Margin
		}
		train, err := p.samples.train.all()
		if err != nil {
			return q, err
		}
		validation, err := p.samples.validation.all()
		if err != nil {
			return q, err
		}
		q.Validated, q.Chance = validation.Len(), chance(train, validation)
		return q, nil
	})
}
