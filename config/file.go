package config

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// Key is the key of the ConfigMap that holds the text.
const Key = "rules.yaml"

// File reads a configuration from a file as people keep it: the bare text, or
// manifests among which there is a ConfigMap that holds it. Mistakes are told
// where they are in the file.
func File(path string, raw []byte) (Config, []Mistake) { return FileOf("", path, raw) }

// FileOf reads a file as [File] does, confined to a namespace as [LoadTenant] is.
func FileOf(tenant, path string, raw []byte) (Config, []Mistake) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	src := newSource(path, raw)
	found, manifests := texts(raw)
	switch {
	case len(found) == 1:
		return load(src.inside(found[0]), tenant)
	case len(found) > 1:
		return reject(src, start(found[1]), "file has a second ConfigMap with "+Key)
	case manifests:
		return reject(src, position{1, 1}, "file has no ConfigMap with "+Key)
	}
	return load(src, tenant)
}

// Text gives the text of a configuration from a file as [File] reads it.
func Text(path string, raw []byte) (string, []Mistake) {
	if _, mistakes := File(path, raw); len(mistakes) > 0 {
		return "", mistakes
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if found, _ := texts(raw); len(found) == 1 {
		return found[0].Value, nil
	}
	return string(raw), nil
}

func reject(src source, at position, message string) (Config, []Mistake) {
	r := newReader(src)
	r.wrong(at, "%s", message)
	return Config{}, r.mistakes
}

// texts finds the scalars that hold a configuration, and whether the file
// consists of Kubernetes manifests at all.
func texts(raw []byte) (found []*yaml.Node, manifests bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	for {
		var document yaml.Node
		// A file that is not YAML is told so when it is read as bare text.
		if err := decoder.Decode(&document); err != nil {
			return found, manifests
		}
		if len(document.Content) == 0 {
			continue
		}
		root := document.Content[0]
		kind := value(root, "kind")
		manifests = manifests || kind != nil && value(root, "apiVersion") != nil
		if kind == nil || kind.Value != "ConfigMap" {
			continue
		}
		if text := value(value(root, "data"), Key); text != nil && text.Kind == yaml.ScalarNode {
			found = append(found, text)
		}
	}
}

// value gives what a mapping holds under a key; nil if it does not.
func value(node *yaml.Node, key string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}
