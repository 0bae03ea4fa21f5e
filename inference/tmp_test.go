package inference
import ("github.com/tuneinsight/lattigo/v5/core/rlwe";"testing";"hepex/network";"hepex/packing";"math/rand/v2";"hepex/network/networktest";"time";"slices";"os";"strconv";"syscall")
func TestLeNetTime(t *testing.T) {
	name := os.Getenv("NET"); if name == "" { name = "lenet" }
	a := network.Architecture{Inputs: 784, Outputs: 10, Image: network.Axis{28, 28, 1}, Conv: []network.Conv{{Filters: 32, Kernel: network.Square(5), Stride: network.Square(1), Pool: network.Square(2)}, {Filters: 64, Kernel: network.Square(5), Stride: network.Square(1), Pool: network.Square(2)}}, Hidden: []int{512}, Activation: "square"}
	slots := 16384
	switch name {
	case "lenet5": a = network.Architecture{Inputs: 784, Outputs: 10, Image: network.Axis{28, 28, 1}, Conv: []network.Conv{{Filters: 6, Kernel: network.Square(5), Stride: network.Square(1), Padding: network.Square(2), Pool: network.Square(2)}, {Filters: 16, Kernel: network.Square(5), Stride: network.Square(1), Pool: network.Square(2)}}, Hidden: []int{120,84}, Activation: "square"}
	case "lola": a = network.Architecture{Inputs: 784, Outputs: 10, Image: network.Axis{28, 28, 1}, Conv: []network.Conv{{Filters: 5, Kernel: network.Square(5), Stride: network.Square(2), Padding: network.Square(1)}}, Hidden: []int{100}, Activation: "square"}; slots = 8192
	}
	if name == "mlp" { a = network.Architecture{Inputs: 784, Outputs: 10, Hidden: []int{128,128}, Activation: "square"}; slots = 8192 }
	g, err := a.Geometry()
	if err != nil { t.Fatal(err) }
	f := networktest.Random(rand.New(rand.NewPCG(1,2)), g, 1, 1)
	for i := range f.Layers { // keep values near 1
		w := f.Layers[i].W
		_, c := w.Dims()
		w.Scale(1/float64(c)*4, w)
	}
	m, err := packing.OneImageIn(slots, false).Pack(f, nil)
	if err != nil { t.Fatal(err) }
	x := networktest.Samples(rand.New(rand.NewPCG(3,2)), 2, 784)
	profile, err := m.Profile(x, packing.Outputs{})
	if err != nil { t.Fatal(err) }
	lit, err := Derive(m.Layout, profile, Wanted{Precision: 12})
	if err != nil { t.Fatal(err) }
	t.Logf("%+v levels %d", lit, m.Levels)
	p, err := NewParameters(lit, false)
	if err != nil { t.Fatal(err) }
	client, err := NewClient(p, m.Layout)
	check(t, err)
	keys, err := client.Keys(false)
	check(t, err)
	model, _, err := EncodeModel(p, m)
	check(t, err)
	server, err := NewServer(p, m.Layout, keys, model, 1)
	check(t, err)
	in, err := client.Encrypt(x[:1])
	if err != nil { t.Fatal(err) }
	timer, err := NewReferenceTimer()
	if err != nil { t.Fatal(err) }
	if os.Getenv("SUMS") != "" {
		for i := range m.Layers {
			ly := &m.Layers[i]
			if ly.Diagonals(false) { continue }
			x := make([]*rlwe.Ciphertext, ly.Inputs())
			for k := range x { x[k] = newCiphertext(p, 1, ly.Level, p.DefaultScale()) }
			for range 5 {
				rows := make([]rowSum, ly.Rows)
				start := time.Now()
				if err := server.rowSums(i, 0, x, rows, server.workers); err != nil { t.Fatal(err) }
				d := time.Since(start).Seconds()
				products := m.Products(i)
				t.Logf("%s: %.2f ms, %d products, %d limbs: %.2f µs each limb", ly.Name, d*1e3, products, ly.Level+1, d*1e6/float64(products*(ly.Level+1)))
			}
		}
	}
	if b, err := os.ReadFile("/proc/self/smaps_rollup"); err == nil { t.Logf("%s", b) }
	n := 15
	if s := os.Getenv("N"); s != "" { n, _ = strconv.Atoi(s) }
	var total []float64; var refs []float64
	layers := make([][]float64, len(m.Layers))
	for r := range n {
		start, cpu0 := time.Now(), cpu()
		out, trace, err := server.Evaluate(in)
		if err != nil { t.Fatal(err) }
		_ = start
		total = append(total, cpu()-cpu0)
		for i, s := range trace.Seconds { layers[i] = append(layers[i], s) }
		cpu0 = cpu()
		for range 5 { timer.Seconds() }
		refs = append(refs, (cpu()-cpu0)/10)
		if r == 0 {
			got, err := client.Decrypt(out, 1)
			if err != nil { t.Fatal(err) }
			t.Logf("precision %.2f bits", precision(networktest.Forward(f, x[:1]), got))
			counted := m.Counts(m.Kept, false)
			for i := range counted { if !counted[i].Equal(trace.Counts[i]) { t.Errorf("layer %d: counted %v ran %v", i, counted[i], trace.Counts[i]) } }
			if server.pool.allocated > m.Layout.PeakLimbs(m.Kept, false, 1) { t.Errorf("allocated %d foreseen %d", server.pool.allocated, m.Layout.PeakLimbs(m.Kept, false, 1)) }
		}
		server.Recycle(out)
	}
	med := func(v []float64) float64 { s := slices.Sorted(slices.Values(v)); return s[len(s)/2]*1e3 }
	least := func(v []float64) float64 { return slices.Min(v)*1e3 }
	for i := range layers { t.Logf("%s: median %.2f least %.2f ms", m.Layers[i].Name, med(layers[i]), least(layers[i])) }
	t.Logf("total: median %.2f least %.2f ms; reference median %.2f least %.2f; R of medians %.2f of least %.2f", med(total), least(total), med(refs), least(refs), med(total)/med(refs), least(total)/least(refs))
}

func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(1, &u); err != nil { panic(err) }
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)*1e-6
}
