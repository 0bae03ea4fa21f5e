package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"hepex/harness/record"
	"hepex/harness/run"
	"hepex/harness/trial"
	"hepex/plots"
)

// drawPoint draws the tile map of the point with the given identity.
func (r *results) drawPoint(id string) ([]string, error) {
	for _, rec := range r.records {
		if rec.Point == id && rec.Status == record.OK {
			return r.drawMap("tile-map-"+id, rec)
		}
	}
	return nil, badInput(fmt.Errorf("point %q: no result in %s; hepex export %s --format csv lists what there is", id, r.dir, r.dir))
}

func (r *results) drawMap(id string, rec *record.Record) ([]string, error) {
	text, err := os.ReadFile(run.MapPath(r.dir, rec.Point))
	if err != nil {
		return nil, fmt.Errorf("tile map: %w", err)
	}
	var m trial.TileMap
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", run.MapPath(r.dir, rec.Point), err)
	}
	picture := plots.TileMap{Title: fmt.Sprintf("%v, ratio %v, tile %v", rec.Params["prune.scheme"], rec.Params["prune.ratio"], rec.Params["tile"])}
	for _, l := range m.Layers {
		if len(l.Weights) != l.Outputs*l.Inputs {
			return nil, fmt.Errorf("%s: layer %s has %d weights: want %d", run.MapPath(r.dir, rec.Point), l.Name, len(l.Weights), l.Outputs*l.Inputs)
		}
		picture.Layers = append(picture.Layers, plots.TileMapLayer{
			Name: l.Name, Before: weightRows(l, nil, nil), After: weightRows(l, l.OutOrder, l.InOrder),
			GroupOut: l.OutGroup, GroupIn: l.InGroup, Kept: l.Kept,
		})
	}
	return plots.DrawTileMap(filepath.Join(r.dir, "figures"), id, picture)
}

// weightRows gives the weights of a layer with its neurons in the given orders; nil is the natural one.
func weightRows(l trial.TileMapLayer, outOrder, inOrder []int) [][]float32 {
	rows := make([][]float32, l.Outputs)
	for o := range rows {
		from := o
		if outOrder != nil {
			from = outOrder[o]
		}
		rows[o] = make([]float32, l.Inputs)
		for i := range rows[o] {
			in := i
			if inOrder != nil {
				in = inOrder[i]
			}
			rows[o][i] = float32(l.Weights[from*l.Inputs+in])
		}
	}
	return rows
}
