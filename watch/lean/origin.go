package lean

import "k8s.io/apimachinery/pkg/util/json"

// Source is where manifests come from: its repository, and a fingerprint of
// everything it says, to compare it by.
type Source struct {
	RepoURL     string      `json:"repoURL"`
	Fingerprint Fingerprint `json:"-"`
}

// UnmarshalJSON reads the repository, and takes the fingerprint of the whole.
func (s *Source) UnmarshalJSON(b []byte) error {
	type plain Source
	if err := json.Unmarshal(b, (*plain)(s)); err != nil {
		return err
	}
	return s.Fingerprint.UnmarshalJSON(b)
}

// Destination is the cluster, by its address or its name, and the namespace that
// an Application is for, and a fingerprint of everything it says.
type Destination struct {
	Server      string      `json:"server,omitempty"`
	Name        string      `json:"name,omitempty"`
	Namespace   string      `json:"namespace,omitempty"`
	Fingerprint Fingerprint `json:"-"`
}

// UnmarshalJSON reads the destination, and takes the fingerprint of the whole.
func (d *Destination) UnmarshalJSON(b []byte) error {
	type plain Destination
	if err := json.Unmarshal(b, (*plain)(d)); err != nil {
		return err
	}
	return d.Fingerprint.UnmarshalJSON(b)
}

// SourceHydrator says where manifests are written without being rendered, and
// where they are synced from when they are.
type SourceHydrator struct {
	DrySource  DrySource  `json:"drySource"`
	SyncSource SyncSource `json:"syncSource"`
}

// Source is the one that Argo CD syncs from, and so has in ComparedTo: in the
// repository of the dry source, what was hydrated.
func (h *SourceHydrator) Source() Source {
	fields := map[string]any{"repoURL": h.DrySource.RepoURL, "path": h.SyncSource.Path, "targetRevision": h.SyncSource.TargetBranch}
	return Source{RepoURL: h.DrySource.RepoURL, Fingerprint: fingerprint(fields)}
}

// DrySource is where manifests are written.
type DrySource struct {
	RepoURL string `json:"repoURL"`
}

// SyncSource is where what was hydrated is synced from.
type SyncSource struct {
	TargetBranch string `json:"targetBranch"`
	Path         string `json:"path"`
}

// SourceHydratorStatus is what was hydrated.
type SourceHydratorStatus struct {
	LastSuccessfulOperation *SuccessfulHydration `json:"lastSuccessfulOperation,omitempty"`
	CurrentOperation        *Hydration           `json:"currentOperation,omitempty"`
}

// SuccessfulHydration says which commit was made of which.
type SuccessfulHydration struct {
	DrySHA      string `json:"drySHA,omitempty"`
	HydratedSHA string `json:"hydratedSHA,omitempty"`
}

// Hydration is the last one, or the one in flight.
type Hydration struct {
	Phase string `json:"phase"`
}
