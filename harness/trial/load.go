package trial

import (
	"time"

	"hepex/harness/config"
	"hepex/inference"
)

// setup is what it took before the first evaluation.
type setup struct {
	batch                int                  // samples
	keygen, encryptInput float64              // seconds
	model                inference.ModelTimes // seconds
	modelBytes, keyBytes int64
	inputBytes, sentUp   int64
	warnings
}

// session is a client and a server with its keys, model and encrypted input.
type session struct {
	*setup
	client *inference.Client
	server evaluator
	input  *inference.Batch
}

// evaluator is an inference.Server.
type evaluator interface {
	Evaluate(*inference.Batch) (*inference.Batch, *inference.Trace, error)
	Recycle(*inference.Batch)
}

// load makes keys, the model and the input of an evaluation of the samples x.
func load(spec config.Spec, c *choice, x [][]float64) (*session, error) {
	s := &session{setup: &setup{batch: len(x)}}
	encrypted := spec.HE.Encrypted()

	start := time.Now()
	client, err := inference.NewClient(c.params, c.model.Layout)
	if err != nil {
		return s, err
	}
	keys, err := client.Keys(encrypted)
	if err != nil {
		return s, err
	}
	s.client, s.keygen, s.keyBytes = client, time.Since(start).Seconds(), keys.Bytes()

	var model *inference.Model
	if encrypted {
		model, s.model, err = client.EncryptModel(c.model)
	} else {
		if c.model.LeaksSums() {
			s.warnings.add("plain weights, outputs not masked: unused slots tell the client partial sums of weights")
		}
		model, s.model, err = inference.EncodeModel(c.params, c.model)
	}
	if err != nil {
		return s, err
	}
	s.modelBytes = model.Bytes()

	start = time.Now()
	if s.input, err = client.Encrypt(x); err != nil {
		return s, err
	}
	s.encryptInput, s.inputBytes = time.Since(start).Seconds(), s.input.Bytes()
	s.sentUp = s.input.Sent()
	s.server, err = inference.NewServer(c.params, c.model.Layout, keys, model, spec.Measure.Threads)
	return s, err
}
