package serve

import (
	"io"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"hepex/inference"
)

// Evaluation is what a server does with one file of inputs.
type Evaluation struct {
	Model   string // folder with the public file and the model
	Keys    string // folder with the evaluation keys
	Inputs  string // file
	Outputs string // file
	Threads int
	Report  Report
}

// Times are seconds of wall time.
type Times struct {
	Load    float64 // public file, keys, model and inputs
	Compute float64 // evaluations
	Store   float64 // outputs
}

// Run evaluates the network on all batches. Outputs appear whole or not at all.
func (e Evaluation) Run() (t Times, err error) {
	start := time.Now()
	p, server, keys, err := e.open()
	if err != nil {
		return t, err
	}
	in, err := open(e.Inputs, kindInputs)
	if err != nil {
		return t, err
	}
	defer in.f.Close() // which reading does, but outputs that cannot be begun prevent that
	h := header{Kind: kindOutputs, Model: p.id, Keys: keys, Samples: in.Samples}
	var written time.Time
	err = write(e.Outputs, h, func(w io.Writer) error {
		return in.read(func(r io.Reader) error {
			defer func() { written = time.Now() }()
			if err := in.of(p.id, keys); err != nil {
				return err
			}
			for b := range p.batches(in.Samples) {
				e.Report(b, p.batches(in.Samples))
				seconds, err := p.evaluate(server, r, w)
				if err != nil {
					return err
				}
				t.Compute += seconds
			}
			return nil
		})
	})
	t.Load, t.Store = written.Sub(start).Seconds()-t.Compute, time.Since(written).Seconds()
	return t, err
}

// open reads all that is needed but the inputs.
func (e Evaluation) open() (p *program, server *inference.Server, keys string, err error) {
	if p, err = readProgram(filepath.Join(e.Model, PublicFile)); err != nil {
		return nil, nil, "", err
	}
	for _, dir := range []string{e.Model, e.Keys} {
		if err := p.refuseSecrets(dir); err != nil {
			return nil, nil, "", err
		}
	}
	k, err := open(filepath.Join(e.Keys, KeysFile), kindKeys)
	if err != nil {
		return nil, nil, "", err
	}
	keys = k.Keys
	var evaluation *inference.Keys
	var model *inference.Model
	var both errgroup.Group
	both.Go(func() error {
		return k.read(func(r io.Reader) (err error) {
			if err = k.of(p.id, ""); err != nil {
				return err
			}
			if evaluation, err = inference.NewKeys(p.params, p.layout, p.encrypted()); err == nil {
				_, err = evaluation.ReadFrom(r)
			}
			return err
		})
	})
	both.Go(func() (err error) {
		model, err = p.readModel(filepath.Join(e.Model, ModelFile), keys)
		return err
	})
	if err := both.Wait(); err != nil {
		return nil, nil, "", err
	}
	server, err = inference.NewServer(p.params, p.layout, evaluation, model, e.Threads)
	return p, server, keys, err
}

// refuseSecrets returns an error if a server's folder holds what the server must not have.
func (p *program) refuseSecrets(dir string) error {
	kinds := []kind{kindSecret}
	if p.encrypted() {
		kinds = append(kinds, kindNetwork)
	}
	path, err := holds(dir, kinds...)
	if err != nil {
		return err
	}
	if path != "" {
		return wrong(path, "a secret in the server's folder: the client keeps secret keys, and networks whose weights are encrypted, to herself; delete it here")
	}
	return nil
}

// readModel reads a model; if weights are encrypted, of a set of keys.
func (p *program) readModel(path, keys string) (*inference.Model, error) {
	f, err := open(path, kindModel)
	if err != nil {
		return nil, err
	}
	if !p.encrypted() {
		keys = ""
	}
	m, err := inference.NewModel(p.params, p.layout)
	if err != nil {
		return nil, f.finish(err)
	}
	return m, f.read(func(r io.Reader) error {
		if err := f.of(p.id, keys); err != nil {
			return err
		}
		if _, err := m.ReadFrom(r); err != nil {
			return err
		}
		if m.Encrypted != p.encrypted() {
			return wrong(path, "weights encrypted: %t, where %t is wanted", m.Encrypted, p.encrypted())
		}
		return nil
	})
}

// evaluate reads a batch, evaluates it in so many seconds and writes the outputs.
func (p *program) evaluate(server *inference.Server, r io.Reader, w io.Writer) (seconds float64, err error) {
	batch, err := inference.NewInput(p.params, p.layout)
	if err != nil {
		return 0, err
	}
	if _, err := batch.ReadFrom(r); err != nil {
		return 0, err
	}
	start := time.Now()
	out, _, err := server.Evaluate(batch)
	if err != nil {
		return 0, err
	}
	seconds = time.Since(start).Seconds()
	_, err = out.WriteTo(w)
	server.Recycle(out)
	return seconds, err
}
