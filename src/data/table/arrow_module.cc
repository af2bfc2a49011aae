// The rows of Parquet and Arrow files, each value as text: a module of its own, the only place that
// includes Arrow. Batches are cast to text by Arrow's own cast, which writes the shortest digits
// that give the number back.

#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <parquet/arrow/reader.h>

#include "data/table/records.h"
#include "undying/error.h"

namespace undying::data {
namespace {

using Batches = std::shared_ptr<arrow::RecordBatchReader>;

class ArrowRecords final : public Records {
 public:
  ArrowRecords(std::string file, bool parquet) : name_(std::move(file)), parquet_(parquet) {
    restart();
  }

  void restart() override {
    file_ = take(arrow::io::ReadableFile::Open(name_));
    batches_ = parquet_ ? open_parquet() : open_ipc();
    schema_ = parquet_ ? batches_->schema() : ipc_->schema();
    next_batch_ = 0;
    rows_ = at_ = 0;
    line_ = -1;
  }

  bool next(std::vector<std::string_view>& fields) override {
    fields.clear();
    if (++line_ == 0) {
      for (const auto& field : schema_->fields()) fields.push_back(field->name());
      return true;
    }
    while (at_ == rows_)
      if (!read_batch()) return false;
    for (const auto& column : columns_)
      fields.push_back(column == nullptr || column->IsNull(at_) ? std::string_view()
                                                                : column->GetView(at_));
    ++at_;
    return true;
  }

  const std::string& name() const override { return name_; }
  std::int64_t line() const override { return line_; }
  std::int64_t bytes() const override { return file_->Tell().ValueOr(0); }
  std::int64_t size() const override {
    return 0;
  }  // pieces are read in an order of their own: no share of it says how far it is
  bool has_types() const override { return true; }

 private:
  template <class T>
  T take(arrow::Result<T> result) const {
    if (result.ok()) return std::move(result).ValueUnsafe();
    throw Error(ErrorCode::kBadData, name_,
                "cannot be read as " +
                    std::string(parquet_ ? "Parquet" : "an Arrow IPC file (Feather 2)") + ": " +
                    result.status().message());
  }

  Batches open_parquet() {
    reader_ = take(parquet::arrow::OpenFile(file_, arrow::default_memory_pool()));
    return Batches(take(reader_->GetRecordBatchReader()));
  }

  Batches open_ipc() {
    ipc_ = take(arrow::ipc::RecordBatchFileReader::Open(file_));
    return nullptr;
  }

  std::shared_ptr<arrow::RecordBatch> read_next() {
    if (!parquet_)
      return next_batch_ < ipc_->num_record_batches() ? take(ipc_->ReadRecordBatch(next_batch_++))
                                                      : nullptr;
    std::shared_ptr<arrow::RecordBatch> batch;
    if (const arrow::Status status = batches_->ReadNext(&batch); !status.ok())
      take(arrow::Result<int>(status));
    return batch;
  }

  bool read_batch() {
    const auto batch = read_next();
    if (batch == nullptr) return false;
    columns_.clear();
    for (int i = 0; i < batch->num_columns(); ++i) columns_.push_back(as_text(batch->column(i)));
    rows_ = batch->num_rows();
    at_ = 0;
    return true;
  }

  std::shared_ptr<arrow::LargeStringArray> as_text(
      const std::shared_ptr<arrow::Array>& values) const {
    if (values->type_id() == arrow::Type::NA) return nullptr;
    const auto plain = values->type_id() == arrow::Type::DICTIONARY ? decoded(values) : values;
    const auto texts = arrow::compute::Cast(*plain, arrow::large_utf8());
    if (texts.ok()) return std::static_pointer_cast<arrow::LargeStringArray>(*texts);
    arrow::LargeStringBuilder builder;  // nested
    for (std::int64_t i = 0; i < values->length(); ++i)
      if (const arrow::Status status = builder.Append(values->type()->ToString()); !status.ok())
        take(arrow::Result<int>(status));
    return std::static_pointer_cast<arrow::LargeStringArray>(take(builder.Finish()));
  }

  std::shared_ptr<arrow::Array> decoded(const std::shared_ptr<arrow::Array>& values) const {
    const auto& type = static_cast<const arrow::DictionaryType&>(*values->type());
    return take(arrow::compute::Cast(*values, type.value_type()));
  }

  std::string name_;
  bool parquet_;
  std::shared_ptr<arrow::io::ReadableFile> file_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> ipc_;
  Batches batches_;
  std::shared_ptr<arrow::Schema> schema_;
  int next_batch_ = 0;
  std::vector<std::shared_ptr<arrow::LargeStringArray>> columns_;
  std::int64_t rows_ = 0;  // of the batch
  std::int64_t at_ = 0;
  std::int64_t line_ = -1;
};

}  // namespace
}  // namespace undying::data

extern "C" __attribute__((visibility("default"))) undying::data::Records* undying_open_arrow(
    const std::string& file, bool parquet) {
  return new undying::data::ArrowRecords(file, parquet);
}
