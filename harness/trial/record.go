package trial

import (
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/inference"
)

// record puts together what is known of the point by now. It is the one place where that is done.
func (m *measurement) record() record.Record {
	spec, known := m.Spec, m.plain
	quality := known.quality
	r := record.Record{
		Experiment: m.Experiment, Point: m.Point, Label: m.Label, Params: m.Params, Seeds: map[string]uint64{"train": uint64(spec.Train.Seed)},
		StartedAt: m.started, EndedAt: time.Now().UTC(), Limits: m.Limits(), Measure: m.Measuring(), Data: m.data, Environment: m.environment,
		Quality: &quality, Tiles: &known.counts, Shares: known.shares, Warnings: known.warnings, Predicted: m.predicted,
		Training: &record.Training{EpochsTotal: known.pruned.state.Epochs, Seconds: known.pruned.seconds, Cached: true},
	}
	if c := m.choice; c != nil {
		r.HE, r.LevelsUsed, r.Leakage = aboutHE(spec.HE, c.params), c.model.Levels, c.leakage
		r.Warnings = append(r.Warnings, c.warnings...)
	}
	if s := m.setup; s != nil {
		r.Batch, r.Threads, r.Order = s.batch, spec.Measure.Threads, record.Sequential
		r.Latency = &record.Latency{Keygen: s.keygen, EncodeModel: s.model.Encode, EncryptModel: s.model.Encrypt, EncryptInput: s.encryptInput}
		r.Memory, r.BytesUp = &record.Memory{Model: s.modelBytes, Keys: s.keyBytes, Input: s.inputBytes}, s.sentUp
		r.Warnings = append(r.Warnings, s.warnings...)
	}
	if t := m.timing; t != nil {
		l := r.Latency
		l.Evaluate, l.EvaluateAt, l.Warmed, l.PerLayer, l.Rotation, l.Reference = t.evaluations, t.at, t.warmed, t.layers, t.rotation, t.reference
		l.EvaluateMedian, l.EvaluateLow, l.EvaluateHigh = t.all.Median, t.all.Low, t.all.High
		l.EvaluatePerImage = t.all.Median / float64(r.Batch)
		r.Operations, r.Noise, r.Memory.PeakRSS, r.BytesDown = t.operations, t.noise, t.peak, t.sentDown
		r.Environment.GOMAXPROCS = spec.Measure.Threads
		r.Warnings = append(r.Warnings, t.warnings...)
	}
	if p := m.proof; p != nil {
		r.Latency.Decrypt, r.Range = p.decrypt, p.inRange
		quality.Encrypted, quality.Agreement, quality.Samples = p.score, p.agreement, p.samples
		quality.OutputErrorMax, quality.PrecisionBits = p.largestError, p.bits
		quality.SamplePrecisionMin, quality.SamplePrecisionP05 = p.leastBits, p.lowBits
		r.Warnings = append(r.Warnings, p.warnings...)
	}
	return r
}

func aboutHE(he config.HE, p inference.Parameters) *record.HE {
	lit := p.Literal
	about := &record.HE{
		LogN: lit.LogN, LogQ: lit.LogQ, LogP: lit.LogP, LogScale: lit.LogScale, LogQP: p.LogQP(),
		SecurityBits: inference.SecurityBits, Insecure: p.Insecure, Ring: string(lit.Ring), Weights: he.Weights,
	}
	if p.Insecure {
		about.SecurityBits = 0
	}
	return about
}
