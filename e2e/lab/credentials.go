package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"

	certutil "k8s.io/client-go/util/cert"
)

// credentials are what the API server proves itself with and knows others by.
type credentials struct {
	ca         []byte // PEM
	adminToken string
	certFile   string
	keyFile    string
	tokenFile  string // known tokens, one a line
	signFile   string // private key of service account tokens
}

// newCredentials makes fresh ones in the folder.
func newCredentials(dir string) (credentials, error) {
	c := credentials{
		certFile:  filepath.Join(dir, "apiserver.crt"),
		keyFile:   filepath.Join(dir, "apiserver.key"),
		tokenFile: filepath.Join(dir, "tokens.csv"),
		signFile:  filepath.Join(dir, "service-account.key"),
	}
	cert, key, err := certutil.GenerateSelfSignedCertKey("kubernetes.default.svc", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	if err != nil {
		return credentials{}, fmt.Errorf("make certificate: %w", err)
	}
	c.ca = cert
	sign, err := signingKey()
	if err != nil {
		return credentials{}, err
	}
	token := make([]byte, 16)
	if _, err := rand.Read(token); err != nil {
		return credentials{}, fmt.Errorf("make token: %w", err)
	}
	c.adminToken = hex.EncodeToString(token)
	tokens := c.adminToken + `,admin,admin,"system:masters"` + "\n"
	files := map[string][]byte{c.certFile: cert, c.keyFile: key, c.tokenFile: []byte(tokens), c.signFile: sign}
	for path, content := range files {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return credentials{}, fmt.Errorf("write credentials: %w", err)
		}
	}
	return c, nil
}

// signingKey makes a key to sign service account tokens with.
func signingKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}
