package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"hepex/harness/record"
	"hepex/harness/trial"
	"hepex/plots"
)

// example is a point with its samples.
type example struct {
	rec *record.Record
	trial.Examples
}

// mostRows is how many pruned networks are shown beside the dense one.
const mostRows = 5

// drawExamples draws what the dense network and pruned ones make of the same samples, if these were kept: those of the scheme whose
// tiles are drawn, and which differ in their pruning alone.
func (r *results) drawExamples(chosen *record.Record) ([]string, error) {
	shown, err := r.examples(chosen)
	if err != nil || len(shown) == 0 {
		return nil, err
	}
	first := shown[0].Examples
	p := plots.Pictures{
		Title: fmt.Sprintf("%s, tile %v", chosen.DataTitle(), chosen.Params["tile"]), Height: first.Height, Width: first.Width, Channels: first.Channels,
		Rows: []plots.PictureRow{{Name: "input", Pictures: column(first, func(x trial.Example) []byte { return x.Input })}},
	}
	if chosen.Insecure() {
		p.Title += ", INSECURE PARAMETERS"
	}
	if first.Each[0].Class == nil {
		p.Rows = append(p.Rows, imageRows(shown)...)
		p.Caption = "First samples of the test set, and what networks make of them, plain and under encryption."
	} else {
		p.Rows = append(p.Rows, classRows(shown)...)
		p.Caption = "First samples of the test set with their classes, and those that networks give them, plain and under encryption; in brackets by how much the largest output exceeds the next."
	}
	return plots.DrawPictures(filepath.Join(r.dir, "figures"), "examples", p)
}

// examples reads those of the dense and the pruned points that go with the chosen one, by falling density.
func (r *results) examples(chosen *record.Record) ([]example, error) {
	store := record.NewStore(r.dir)
	var dense, pruned []example
	for _, rec := range r.records {
		isDense := record.Has(rec, "prune.scheme", "dense")
		if rec.Status != record.OK || rec.Tiles == nil || !isDense && !record.Has(rec, "prune.scheme", chosen.Params["prune.scheme"]) || !record.AlikeBut(rec, chosen, "prune.") {
			continue
		}
		text, path, err := store.Attached(record.Examples, rec.Point)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		e, err := trial.ParseExamples(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if isDense {
			dense = append(dense, example{rec, e})
		} else {
			pruned = append(pruned, example{rec, e})
		}
	}
	slices.SortStableFunc(pruned, func(a, b example) int { return cmp.Compare(b.rec.Tiles.Density, a.rec.Tiles.Density) })
	return append(dense[:min(1, len(dense))], spread(pruned, mostRows)...), nil
}

// spread picks n of them at even distances, the first and the last included.
func spread(all []example, n int) []example {
	if len(all) <= n {
		return all
	}
	var picked []example
	for i := range n {
		picked = append(picked, all[i*(len(all)-1)/(n-1)])
	}
	return picked
}

// imageRows shows what autoencoders give.
func imageRows(shown []example) (rows []plots.PictureRow) {
	if shown[0].Each[0].Target != nil {
		rows = append(rows, plots.PictureRow{Name: "wanted", Pictures: column(shown[0].Examples, func(x trial.Example) []byte { return x.Target })})
	}
	for i, e := range shown {
		if i == 0 {
			rows = append(rows, plots.PictureRow{Name: e.name() + ", plain", Point: e.rec.Point, Pictures: column(e.Examples, func(x trial.Example) []byte { return x.PlainImage })})
		}
		rows = append(rows, plots.PictureRow{Name: e.name() + ", encrypted", Point: e.rec.Point, Pictures: column(e.Examples, func(x trial.Example) []byte { return x.EncryptedImage })})
	}
	return rows
}

// classRows shows what classifiers say.
func classRows(shown []example) []plots.PictureRow {
	rows := []plots.PictureRow{{Name: "class", Texts: column(shown[0].Examples, func(x trial.Example) string { return fmt.Sprint(*x.Class) })}}
	for _, e := range shown {
		rows = append(rows,
			plots.PictureRow{Name: e.name() + ", plain", Point: e.rec.Point, Texts: column(e.Examples, func(x trial.Example) string { return plots.Judged(x.Plain, *x.Class) })},
			plots.PictureRow{Name: e.name() + ", encrypted", Point: e.rec.Point, Texts: column(e.Examples, func(x trial.Example) string { return plots.Judged(x.Encrypted, *x.Class) })})
	}
	return rows
}

func (e example) name() string {
	if record.Has(e.rec, "prune.scheme", "dense") {
		return "dense"
	}
	return fmt.Sprintf("%v, %.3g %% of tiles", e.rec.Params["prune.scheme"], 100*e.rec.Tiles.Density)
}

// column is one thing of every sample.
func column[T any](e trial.Examples, of func(x trial.Example) T) (all []T) {
	for _, x := range e.Each {
		all = append(all, of(x))
	}
	return all
}
