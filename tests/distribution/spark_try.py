import sys, time
import numpy as np
from pyspark.sql import SparkSession
import amalthea
from amalthea import Sequential, layers, Input
from amalthea.distribution import spark as sp
def main():
    s = SparkSession.builder.master(sys.argv[1]).config("spark.ui.enabled","false").getOrCreate()
    rng=np.random.default_rng(0)
    import pandas as pd
    x=rng.normal(size=(300,20)).astype("float32"); y=rng.integers(0,3,300)
    df=s.createDataFrame([(r.tolist(),int(l)) for r,l in zip(x,y)],"f array<float>, l int").repartition(2)
    m=Sequential([Input((20,)),layers.Dense(32,"relu"),layers.BatchNormalization(),layers.Dense(3,"softmax")])
    m.compile("adam","sparse_categorical_crossentropy",metrics=["accuracy"])
    for i in range(2):
        t=time.time()
        h=sp.fit(m,df,features="f",label="l",num_workers=2,batch_size=64,epochs=3)
        print(h.history, time.time()-t, m.optimizer.iterations.numpy())
    out=sp.transform(m,df,features="f")
    out.show(3)
    import pyarrow
    p=out.toPandas()
    w=m.predict(np.stack(p.f).astype("float32"),verbose=0)
    print(np.abs(w-np.stack(p.prediction)).max())
main()
