// What script/bench asks of Go: net/http with chi, database/sql with mattn's driver, html/template, gorilla's sessions.
package main

import (
	"database/sql"
	"encoding/json"
	"html/template"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/go-chi/chi"
	"github.com/gorilla/sessions"
	_ "github.com/mattn/go-sqlite3"
)

type rating struct {
	Score int `json:"score"`
	Count int `json:"count"`
}

type item struct {
	ID       int      `json:"id"`
	Name     string   `json:"name"`
	Category string   `json:"category"`
	Price    int      `json:"price"`
	Quantity int      `json:"quantity"`
	Active   bool     `json:"active"`
	Tags     []string `json:"tags"`
	Rating   rating   `json:"rating"`
	Total    int      `json:"total"`
}

type order struct {
	Name     string   `json:"name"`
	Category string   `json:"category"`
	Price    int      `json:"price"`
	Quantity int      `json:"quantity"`
	Tags     []string `json:"tags"`
	Total    int      `json:"total"`
}

type stored struct {
	ID       int    `json:"id"`
	Name     string `json:"name"`
	Category string `json:"category"`
	Price    int    `json:"price"`
	Quantity int    `json:"quantity"`
}

type short struct {
	ID    int    `json:"id"`
	Name  string `json:"name"`
	Price int    `json:"price"`
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func text(w http.ResponseWriter, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, s)
}

func send(w http.ResponseWriter, status int, value interface{}) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

func failed(w http.ResponseWriter, err error) bool {
	if err == sql.ErrNoRows {
		http.NotFound(w, nil)
	} else if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
	}
	return err != nil
}

func open(path string) *sql.DB {
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000")
	must(err)
	return db
}

func prepare(db *sql.DB, statement string) *sql.Stmt {
	prepared, err := db.Prepare(statement)
	must(err)
	return prepared
}

func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(chi.URLParam(r, name))
	return n
}

func withItems(r chi.Router, data string) {
	var items []item
	file, err := os.ReadFile(filepath.Join(data, "items.json"))
	must(err)
	must(json.Unmarshal(file, &items))
	page := template.Must(template.ParseFiles(os.Getenv("BENCH_PAGE")))

	r.Get("/json", func(w http.ResponseWriter, r *http.Request) {
		list := make([]item, len(items))
		for i, one := range items {
			one.Total = one.Price * one.Quantity
			list[i] = one
		}
		send(w, 200, struct {
			Items []item `json:"items"`
			Count int    `json:"count"`
		}{list, len(list)})
	})
	r.Get("/page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		page.Execute(w, items[:12])
	})
	r.Post("/orders", func(w http.ResponseWriter, r *http.Request) {
		var o order
		err := json.NewDecoder(r.Body).Decode(&o)
		if err != nil || len(o.Name) < 1 || len(o.Name) > 100 || len(o.Category) > 40 || o.Price < 0 || o.Quantity < 1 ||
			o.Quantity > 1000 || len(o.Tags) > 10 {
			http.Error(w, "Unprocessable Entity", http.StatusUnprocessableEntity)
			return
		}
		o.Total = o.Price * o.Quantity
		send(w, 200, o)
	})
}

func withReads(r chi.Router, db *sql.DB) {
	one := prepare(db, "SELECT id, name, category, price, quantity FROM items WHERE id = ?")
	rows := prepare(db, "SELECT id, name, price FROM items WHERE id > ? ORDER BY id LIMIT 20")
	scan := prepare(db, "SELECT sum(a.price * b.quantity) FROM items a, items b WHERE a.id <= 300")

	r.Get("/items/{id}", func(w http.ResponseWriter, r *http.Request) {
		var s stored
		err := one.QueryRow(number(r, "id")).Scan(&s.ID, &s.Name, &s.Category, &s.Price, &s.Quantity)
		if !failed(w, err) {
			send(w, 200, s)
		}
	})
	r.Get("/rows/{after}", func(w http.ResponseWriter, r *http.Request) {
		found, err := rows.Query(number(r, "after"))
		if failed(w, err) {
			return
		}
		defer found.Close()
		list := []short{}
		for found.Next() {
			var s short
			if failed(w, found.Scan(&s.ID, &s.Name, &s.Price)) {
				return
			}
			list = append(list, s)
		}
		send(w, 200, list)
	})
	r.Get("/scan", func(w http.ResponseWriter, r *http.Request) {
		var sum int64
		if !failed(w, scan.QueryRow().Scan(&sum)) {
			send(w, 200, map[string]int64{"sum": sum})
		}
	})
}

func withWrites(r chi.Router, db *sql.DB) {
	db.SetMaxOpenConns(1) // SQLite has one writer
	insert := prepare(db, "INSERT INTO notes (text) VALUES (?)")
	balance := prepare(db, "SELECT balance FROM accounts WHERE id = ?")
	take := prepare(db, "UPDATE accounts SET balance = balance - 1 WHERE id = ?")
	give := prepare(db, "UPDATE accounts SET balance = balance + 1 WHERE id = ?")
	record := prepare(db, "INSERT INTO transfers (source, target, amount) VALUES (?, ?, 1)")

	r.Post("/notes", func(w http.ResponseWriter, r *http.Request) {
		note, err := io.ReadAll(r.Body)
		if failed(w, err) {
			return
		}
		result, err := insert.Exec(string(note))
		if failed(w, err) {
			return
		}
		id, _ := result.LastInsertId()
		send(w, 201, map[string]int64{"id": id})
	})
	transfer := func(from, to int) error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		defer tx.Rollback()
		var left int
		if err = tx.Stmt(balance).QueryRow(from).Scan(&left); err != nil {
			return err
		}
		if left < 1 {
			return io.ErrShortBuffer
		}
		if _, err = tx.Stmt(take).Exec(from); err != nil {
			return err
		}
		if _, err = tx.Stmt(give).Exec(to); err != nil {
			return err
		}
		if _, err = tx.Stmt(record).Exec(from, to); err != nil {
			return err
		}
		if err = tx.Stmt(balance).QueryRow(to).Scan(&left); err != nil {
			return err
		}
		return tx.Commit()
	}
	r.Post("/transfers/{from}/{to}", func(w http.ResponseWriter, r *http.Request) {
		if !failed(w, transfer(number(r, "from"), number(r, "to"))) {
			send(w, 200, map[string]bool{"ok": true})
		}
	})
}

func withClient(r chi.Router, backend string) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512}}
	get := func() (int, error) {
		answer, err := client.Get("http://127.0.0.1:" + backend + "/")
		if err != nil {
			return 0, err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return len(body), err
	}
	r.Get("/fanout", func(w http.ResponseWriter, r *http.Request) {
		var wait sync.WaitGroup
		var sizes [5]int
		var errs [5]error
		for i := range sizes {
			wait.Add(1)
			go func(i int) {
				defer wait.Done()
				sizes[i], errs[i] = get()
			}(i)
		}
		wait.Wait()
		sum := 0
		for i, size := range sizes {
			if failed(w, errs[i]) {
				return
			}
			sum += size
		}
		text(w, strconv.Itoa(sum))
	})
}

func withSessions(r chi.Router) {
	key := []byte("ssssssssssssssssssssssssssssssss")
	store := sessions.NewCookieStore(key, key)
	r.Post("/login", func(w http.ResponseWriter, r *http.Request) {
		session, _ := store.Get(r, "session")
		session.Values["user"] = "ada"
		failed(w, session.Save(r, w))
	})
	r.Get("/session", func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		if !failed(w, err) {
			user, _ := session.Values["user"].(string)
			text(w, user)
		}
	})
}

func main() {
	data := os.Getenv("BENCH_DATA")
	r := chi.NewRouter()
	r.Get("/", func(w http.ResponseWriter, r *http.Request) { text(w, "hello") })
	withItems(r, data)
	withReads(r, open(filepath.Join(data, "bench.db")))
	withWrites(r, open(filepath.Join(data, "bench.db")))
	withClient(r, os.Getenv("BENCH_BACKEND"))
	withSessions(r)
	r.Handle("/files/*", http.StripPrefix("/files/", http.FileServer(http.Dir(filepath.Join(data, "files")))))
	r.Post("/upload", func(w http.ResponseWriter, r *http.Request) {
		size, err := io.Copy(io.Discard, r.Body)
		if !failed(w, err) {
			text(w, strconv.FormatInt(size, 10))
		}
	})
	for i := 1; i <= 200; i++ {
		n := strconv.Itoa(i)
		r.Get("/section"+n+"/{id}/page"+n, func(w http.ResponseWriter, r *http.Request) {
			text(w, strconv.Itoa(number(r, "id")))
		})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	must(err)
	if parts := strings.Split(os.Getenv("BENCH_TLS"), ","); len(parts) == 3 {
		go func() { must(http.ListenAndServeTLS("127.0.0.1:"+parts[0], parts[1], parts[2], r)) }()
	}
	must(http.Serve(listener, r))
}
