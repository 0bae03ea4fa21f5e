package trial

import (
	"hepex/datasets"
	"hepex/harness/config"
	"hepex/harness/record"
)

// aboutData is what a record says of files of one's own, and of random inputs; nil of other data.
func aboutData(d config.Data) (*record.Data, error) {
	if d.IsRandom() {
		f := d.Form()
		return &record.Data{
			Random: true, Files: []string{}, Format: "uniform in [0,1)", SHA256: d.Random.Checksum(), Shape: []int{f.Shape.Height, f.Shape.Width, f.Shape.Channels},
			Train: f.Train, Test: f.Test, Classes: f.Classes, Targets: f.Targets, Scaling: record.Scaling{Kind: datasets.ScaleNone},
		}, nil
	}
	if !d.IsOwn() {
		return nil, nil
	}
	own, err := datasets.Load(d.Own)
	if err != nil {
		return nil, &Failure{KindData, err}
	}
	s := own.Shape
	about := &record.Data{
		Files: own.Files, Format: own.Format, SHA256: own.SHA256, Shape: []int{s.Height, s.Width, s.Channels}, Train: own.Train, Test: own.Test,
		HeldOut: own.HeldOut, Columns: own.Columns, Classes: own.Classes, Names: own.Names, Targets: own.Targets, Scaling: scaling(own.Scaling),
	}
	if own.Targets > 0 {
		targets := scaling(own.TargetScale)
		about.TargetScales = &targets
	}
	return about, nil
}

func scaling(s datasets.Scaling) record.Scaling {
	return record.Scaling{Kind: s.Kind, Offset: s.Offset, Factor: s.Factor}
}
