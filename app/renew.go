package app

import (
	"pingap/certificate"
	"pingap/config"
)

// certificateFiles lists the files that certificates, keys and authorities are
// read from.
func certificateFiles(c *config.Config) (files []certificate.File) {
	for _, section := range c.Certificates {
		files = append(files, certificate.FilesOf(section.TLSCert, section.TLSKey)...)
	}
	for _, s := range c.Servers {
		files = append(files, certificate.FilesOf(s.TLSClientCA)...)
	}
	for _, u := range c.Upstreams {
		files = append(files, certificate.FilesOf(u.TLSCA, u.TLSClientCert, u.TLSClientKey)...)
	}
	return files
}

// watch looks after the files of c from now on.
func (r *reloader) watch(c *loaded) {
	if r.watcher != nil {
		r.watcher.Use(c.files)
	}
}

// noteRenewed hears of a file that has another content; one that nobody has
// dealt with yet is enough.
func (r *reloader) noteRenewed(path string) {
	select {
	case r.renewed <- path:
	default:
	}
}

// renew reads the certificates of the configuration in force again: the file at
// path has been renewed in place. The stored configuration may be another one by
// now, and stays out of this.
func (r *reloader) renew(path string) {
	logger := r.log.Logger
	c := *r.current
	c.files = certificateFiles(c.Config)
	certificates, problems := loadCertificates(c.Config, c.certificates)
	logProblems(logger, problems)
	if wrong := len(problems.Errors()); wrong > 0 {
		logger.Error("a file of a certificate has changed and cannot be used: what was read before is served on", "file", path)
		return
	}
	c.certificates = certificates
	if _, err := r.put(&c); err != nil {
		logger.Error("a file of a certificate has changed and cannot be used: what was read before is served on", "file", path, "error", err)
		return
	}
	logger.Info("certificates read again: a file has changed", "file", path)
}
