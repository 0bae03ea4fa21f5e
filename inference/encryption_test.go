package inference

import (
	"fmt"
	"math"
	"testing"

	"hepex/inference/kernels"
)

// An encryption is (m + e − a·s, a): e is one small Gaussian polynomial, the same in all limbs, a is uniform in each, and no two
// encryptions share either.
func TestEncryption(t *testing.T) {
	for _, lit := range []Literal{
		{LogN: 12, LogQ: []int{40, 30, 47}, LogP: []int{47}, LogScale: 30},
		{Ring: ConjugateInvariant, LogN: 12, LogQ: []int{55, 30}, LogP: []int{50, 50}, LogScale: 30},
	} {
		t.Run(fmt.Sprint(lit.Ring, lit.LogQ), func(t *testing.T) {
			p, err := NewParameters(lit, true)
			check(t, err)
			s := newSecret(p)
			e, message := newEncryptor(p, s), newEncoder(p)
			clone := e.clone()
			var seen []*sampled
			for _, from := range []*encryptor{e, e, clone} {
				check(t, message.encode([]float64{1, 2, 3}, p.DefaultScale(), p.MaxLevel()))
				plain := message.plaintext(p.MaxLevel(), p.DefaultScale())
				ct, _ := from.encrypt(message, p.MaxLevel(), p.DefaultScale())
				v := &sampled{}
				for i, r := range p.rings.q {
					v.limb(t, r, ct.Value[0].Coeffs[i], ct.Value[1].Coeffs[i], s.q[i], plain.Value[0].Coeffs[i])
				}
				seen = append(seen, v)
			}
			judge(t, seen)
		})
	}
}

// A switching key holds such encryptions of P·s′ in the limbs of each digit and of zero in the others.
func TestSwitchingKeyIsEncrypted(t *testing.T) {
	for _, special := range [][]int{{47}, {50, 49}} {
		p, err := NewParameters(Literal{LogN: 12, LogQ: []int{40, 30, 47, 36}, LogP: special, LogScale: 30}, true)
		check(t, err)
		s := newSecret(p)
		level := p.MaxLevel()
		to := make([][]uint64, p.rings.limbs(level))
		for i := range to {
			to[i] = s.at(level, i)
		}
		key := newEncryptor(p, s).switchingKey(level, s.q, to, &kernels.Arena{})
		a, b, lifted := make([]uint64, p.N()), make([]uint64, p.N()), make([]uint64, p.N())
		var seen []*sampled
		for d := range p.rings.digitCount(level) {
			v := &sampled{}
			for i, stream := range key.limbs {
				r := p.rings.at(level, i)
				r.Get(stream, d, 0, b)
				r.Get(stream, d, 1, a)
				clear(lifted)
				if i <= level && i/len(special) == d {
					r.Scale(lifted, s.q[i], p.rings.special[i])
				}
				v.limb(t, r, b, a, to[i], lifted)
			}
			seen = append(seen, v)
		}
		judge(t, seen)
	}
}

// sampled is what was drawn for one encryption: its error, and the uniform part of each limb.
type sampled struct {
	errors  []int64
	uniform [][]uint64
}

// limb adds a limb of an encryption (b, a) of m under s.
func (v *sampled) limb(t *testing.T, r kernels.Ring, b, a, s, m []uint64) {
	t.Helper()
	x := make([]uint64, len(b))
	r.MulAdd(x, a, s, b)
	r.SubScale(x, x, m, r.Factor(1))
	r.INTT(x, x)
	signed := make([]int64, len(x))
	for i, c := range x {
		if signed[i] = int64(c); c > r.Modulus()/2 {
			signed[i] = int64(c) - int64(r.Modulus())
		}
	}
	if v.errors == nil {
		v.errors = signed
	}
	for i := range signed {
		if signed[i] != v.errors[i] {
			t.Fatalf("coefficient %d: the error is %d in one limb and %d in another", i, v.errors[i], signed[i])
		}
	}
	v.uniform = append(v.uniform, append([]uint64{}, a...))
	mean := 0.0
	for _, c := range a {
		mean += float64(c) / float64(r.Modulus()) / float64(len(a))
	}
	if math.Abs(mean-0.5) > 0.03 { // 6 standard deviations
		t.Errorf("the uniform part has a mean of %.3f of the modulus", mean)
	}
}

func judge(t *testing.T, all []*sampled) {
	t.Helper()
	seen := map[string]bool{}
	for _, v := range all {
		square := 0.0
		for _, e := range v.errors {
			square += float64(e) * float64(e) / float64(len(v.errors))
			if e < -20 || e > 20 {
				t.Errorf("an error of %d: want at most 6 standard deviations", e)
			}
		}
		if deviation := math.Sqrt(square); math.Abs(deviation-3.2) > 0.25 { // 7 standard deviations of its own
			t.Errorf("errors deviate by %.2f: want 3.2", deviation)
		}
		for _, x := range append(v.uniform, asWords(v.errors)) {
			key := fmt.Sprint(x[:64])
			if seen[key] {
				t.Error("two limbs or encryptions share what was drawn")
			}
			seen[key] = true
		}
	}
}

func asWords(x []int64) []uint64 {
	w := make([]uint64, len(x))
	for i, v := range x {
		w[i] = uint64(v)
	}
	return w
}

// Coefficients on both sides of what fits into integers are encoded as lattigo does, but for rounding, with an error added too.
func TestEncoderNearItsBound(t *testing.T) {
	for _, kind := range Rings {
		p, err := NewParameters(Literal{Ring: kind, LogN: 10, LogQ: []int{50, 50, 60}, LogP: []int{60}, LogScale: 40}, true)
		check(t, err)
		e := newEncoder(p)
		slots := make([]float64, p.MaxSlots())
		for log := 44; log <= 58; log++ {
			for i := range slots {
				slots[i] = 1 // the constant polynomial: its first coefficient is the scale
			}
			scale := powerOfTwo(log)
			noise := make([]uint64, p.N())
			noise[0] = word(-15)
			check(t, e.encode(slots, scale, p.MaxLevel()))
			e.add(noise)
			for i, r := range p.rings.q {
				x := make([]uint64, p.N())
				e.limb(x, p.MaxLevel(), i)
				r.INTT(x, x)
				if want := (uint64(1)<<log - 15) % r.Modulus(); x[0] != want || x[1] != 0 {
					t.Errorf("%s, 2^%d less 15 modulo %d: %d, want %d", kind, log, r.Modulus(), x[0], want)
				}
			}
		}
		check(t, e.encode(slots, powerOfTwo(20), 0))
		if err := e.encode([]float64{math.Inf(1)}, powerOfTwo(20), 0); err == nil {
			t.Error("an infinite slot: no error")
		}
	}
}

func TestParametersThatNobodyServes(t *testing.T) {
	for name, lit := range map[string]Literal{
		"no special modulus": {LogN: 10, LogQ: []int{40, 40}, LogScale: 30},
		"no modulus":         {LogN: 10, LogP: []int{40}, LogScale: 30},
		"a tiny ring":        {LogN: 4, LogQ: []int{40}, LogP: []int{40}, LogScale: 30},
		"a huge ring":        {LogN: 20, LogQ: []int{40}, LogP: []int{40}, LogScale: 30},
		"a large modulus":    {LogN: 10, LogQ: []int{62}, LogP: []int{40}, LogScale: 30},
		"a small modulus":    {LogN: 10, LogQ: []int{11}, LogP: []int{40}, LogScale: 30},
	} {
		if _, err := NewParameters(lit, true); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
