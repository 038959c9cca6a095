package lean

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Fingerprint stands for a JSON value. Values that differ only in the order of
// keys, or in members that are empty, have the same one: Argo CD writes a spec
// back without its empty members. The fingerprint of nothing is "".
type Fingerprint string

// UnmarshalJSON takes the fingerprint of a JSON value.
func (f *Fingerprint) UnmarshalJSON(b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*f = fingerprint(v)
	return nil
}

// fingerprint takes the fingerprint of what JSON was decoded to, and changes it.
func fingerprint(v any) Fingerprint {
	v = prune(v)
	canon, err := json.Marshal(v) // map keys come out sorted
	if v == nil || err != nil {
		return "" // what was decoded can be encoded
	}
	sum := sha256.Sum256(canon)
	return Fingerprint(hex.EncodeToString(sum[:8]))
}

// prune removes members that Go's omitempty would not write.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e = prune(e); e == nil {
				delete(v, k)
			} else {
				v[k] = e
			}
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	}
	return v
}
